/* The one SQL text of a program, as PostgreSQL reads it. Nobody outside this folder includes this.
 *
 * The texts are written in what both engines know. What is left:
 *  - in CREATE TABLE the type INTEGER becomes BIGINT, and TEXT is compared by
 *    bytes (COLLATE "C") as SQLite compares it, whatever the database's language;
 *  - the type BLOB and the bytes x'00' are BYTEA and '\\x00'::bytea anywhere;
 *  - what follows the columns, STRICT and WITHOUT ROWID, is left out, as is INDEXED BY in a query:
 *    they tell SQLite how to keep and find rows, not which rows there are;
 *  - a statement after a comment that begins with "-- sqlite:" is left out. It brings rows of older
 *    versions up to date, and no older version has written to PostgreSQL.
 * Words count in capitals, outside comments, texts and quoted names. */
#ifndef IG_STORE_STORE_DIALECT_H
#define IG_STORE_STORE_DIALECT_H

#include "libs/core/buf.h"

void store_dialect_postgresql(struct str sql, struct buf *out);

#endif
