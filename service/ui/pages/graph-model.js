// A hand-off's graph in memory, and what the parts of its page share: which kinds are seen, what is
// searched for, what is chosen. Pure; no DOM.
import {compareKinds, kindOf} from "./kinds.js";
import {relationText} from "./text.js";

export function graphModel(reply) {
    const byId = new Map(reply.entities.map((entity) => [entity.id, entity]));
    const links = new Map(reply.entities.map((entity) => [entity.id, []]));
    const relations = reply.relations.filter(({from, to}) => byId.has(from) && byId.has(to));
    relations.forEach((relation, index) => {
        links.get(relation.from).push({index, other: relation.to, outwards: true});
        if (relation.to !== relation.from) {
            links.get(relation.to).push({index, other: relation.from, outwards: false});
        }
    });
    const kinds = new Map();
    for (const {kind} of reply.entities) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    return {
        handoff: reply.handoff,
        entities: reply.entities,
        relations,
        total: reply.total,
        truncated: reply.truncated,
        byId,
        links,
        kinds: [...kinds].sort(([a], [b]) => compareKinds(a, b)), // [name, count]
    };
}

// "hxxp://evil[.]example" is looked for as it is kept.
export function plainQuery(text) {
    return text
        .trim()
        .toLowerCase()
        .replace(/^hxxp/, "http")
        .replaceAll("[.]", ".")
        .replaceAll("(.)", ".")
        .replaceAll("[:]", ":")
        .replaceAll("[@]", "@");
}

export function entityMatches(entity, query) {
    return (
        entity.value.toLowerCase().includes(query) ||
        kindOf(entity.kind).label.toLowerCase() === query
    );
}

// Entities that are seen under the present kinds and search, in the model's order.
export function seenEntities(model, view) {
    return model.entities.filter(
        (entity) =>
            view.kinds.has(entity.kind) && (view.query === "" || entityMatches(entity, view.query)),
    );
}

// Relations, both of whose ends are of kinds seen; under a search at least one end matches.
export function seenRelations(model, view) {
    return model.relations
        .map((relation, index) => ({relation, index}))
        .filter(({relation}) => {
            const from = model.byId.get(relation.from);
            const to = model.byId.get(relation.to);
            if (!view.kinds.has(from.kind) || !view.kinds.has(to.kind)) return false;
            return (
                view.query === "" ||
                entityMatches(from, view.query) ||
                entityMatches(to, view.query) ||
                relationText(relation.type).includes(view.query)
            );
        });
}

// What is seen and chosen; whoever shows it listens. `what` is "kinds", "query" or "choice".
export function graphView(model) {
    const listeners = [];
    const tell = (what) => listeners.forEach((listener) => listener(what));
    return {
        kinds: new Set(model.kinds.map(([name]) => name)),
        query: "",
        choice: null, // {entity} or {relation, index}
        listen: (listener) => listeners.push(listener),
        setKinds(kinds) {
            this.kinds = kinds;
            tell("kinds");
        },
        setQuery(text) {
            const query = plainQuery(text);
            if (query === this.query) return;
            this.query = query;
            tell("query");
        },
        choose(choice) {
            this.choice = choice;
            tell("choice");
        },
    };
}
