-- What was replayed in the place of an event that could not be taken: the event itself stays as it
-- came. NULL: it was replayed as it is, or not at all.
ALTER TABLE usage_dlq ADD COLUMN replayed TEXT;
