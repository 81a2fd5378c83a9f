/**
 * Shapes: plain data described once, for checking it, for telling people what is wrong with it, and as JSON Schema.
 *
 * A shape is itself plain data. Rules between fields are no part of it; they belong to whoever owns the data.
 */

export type Shape =
  | { readonly type: 'whole'; readonly about: string; readonly least: number; readonly most: number }
  | { readonly type: 'text'; readonly about: string; readonly pattern?: string; readonly looks?: string }
  | { readonly type: 'truth'; readonly about: string }
  | { readonly type: 'choice'; readonly about: string; readonly of: readonly string[] }
  | {
      readonly type: 'list';
      readonly about: string;
      readonly of: Shape;
      readonly least?: number;
      readonly most?: number;
    }
  | RecordShape
  /** Records that are told apart by what their field `by` says. */
  | {
      readonly type: 'tagged';
      readonly about: string;
      readonly by: string;
      readonly of: Readonly<Record<string, RecordShape>>;
    }
  /** Records that are told apart by which single field they have. */
  | { readonly type: 'either'; readonly about: string; readonly of: Readonly<Record<string, Shape>> }
  /** Whatever JSON can say. */
  | { readonly type: 'anything'; readonly about: string };

export interface RecordShape {
  readonly type: 'record';
  readonly about: string;
  readonly fields: Readonly<Record<string, Shape>>;
  /** Fields that may be left out; all others must be there. */
  readonly optional?: readonly string[];
}

/** What is wrong with data from outside: where, what was seen, what is expected, and what to do. */
export interface Problem {
  /** Such as `faults[3].untilMs`; empty for the whole. */
  readonly path: string;
  readonly seen: string;
  readonly expected: string;
  readonly advice: string;
}

/** A problem as one line. */
export function describeProblem({ path, seen, expected, advice }: Problem): string {
  return `${path === '' ? 'the whole' : path} is ${seen}, but must be ${expected}. ${advice}`;
}

/** Everything in which `value` departs from the shape, in the order of the shape; empty when it does not. */
export function checkShape(shape: Shape, value: unknown, path = ''): readonly Problem[] {
  const wrong = (expected: string, advice = shape.about): readonly Problem[] => [
    { path, seen: describeValue(value), expected, advice },
  ];
  switch (shape.type) {
    case 'whole': {
      const { least, most } = shape;
      return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
        ? []
        : wrong(describeRange(least, most));
    }
    case 'text': {
      const { pattern, looks } = shape;
      return typeof value === 'string' && (pattern === undefined || new RegExp(pattern, 'u').test(value))
        ? []
        : wrong(looks ?? 'a text');
    }
    case 'truth':
      return typeof value === 'boolean' ? [] : wrong('true or false');
    case 'choice': {
      const { of } = shape;
      if (typeof value === 'string' && of.includes(value)) return [];
      return wrong(of.length === 1 ? `"${of[0]}"` : `one of ${of.map((each) => `"${each}"`).join(', ')}`);
    }
    case 'list': {
      if (!Array.isArray(value)) return wrong('a list');
      const { least = 0, most = Number.MAX_SAFE_INTEGER } = shape;
      if (value.length < least || value.length > most) {
        return [
          {
            path,
            seen: `a list of ${value.length}`,
            expected: least === most ? `a list of ${least}` : `a list of ${describeRange(least, most)} items`,
            advice: shape.about,
          },
        ];
      }
      return value.flatMap((item: unknown, i) => checkShape(shape.of, item, `${path}[${i}]`));
    }
    case 'record':
      return isRecord(value) ? checkRecord(shape, value, path) : wrong('an object');
    case 'tagged': {
      if (!isRecord(value)) return wrong('an object');
      const tag = value[shape.by];
      const chosen = typeof tag === 'string' && Object.hasOwn(shape.of, tag) ? shape.of[tag] : undefined;
      if (chosen !== undefined) return checkRecord(chosen, value, path);
      const names = Object.keys(shape.of);
      return [
        {
          path: join(path, shape.by),
          seen: describeValue(tag),
          expected: `one of ${names.join(', ')}`,
          advice: typeof tag === 'string' ? suggest(tag, names) : shape.about,
        },
      ];
    }
    case 'either': {
      if (!isRecord(value)) return wrong('an object');
      const names = Object.keys(shape.of);
      const given = Object.keys(value);
      const only = given[0];
      const chosen = only !== undefined && Object.hasOwn(shape.of, only) ? shape.of[only] : undefined;
      if (given.length === 1 && only !== undefined && chosen !== undefined) {
        return checkShape(chosen, value[only], join(path, only));
      }
      return [
        {
          path,
          seen: given.length === 0 ? 'an empty object' : `an object with ${given.join(', ')}`,
          expected: `an object with either ${names.join(' or ')}`,
          advice: shape.about,
        },
      ];
    }
    case 'anything':
      return [];
  }
}

function checkRecord(
  shape: RecordShape,
  value: Readonly<Record<string, unknown>>,
  path: string,
): readonly Problem[] {
  const names = Object.keys(shape.fields);
  const unknown = Object.keys(value)
    .filter((name) => !Object.hasOwn(shape.fields, name))
    .map((name) => ({
      path: join(path, name),
      seen: 'a field that nobody knows',
      expected: `left out, or one of ${names.join(', ')}`,
      advice: suggest(name, names),
    }));
  const known = Object.entries(shape.fields).flatMap(([name, field]): readonly Problem[] => {
    if (value[name] !== undefined) return checkShape(field, value[name], join(path, name));
    if (shape.optional?.includes(name) === true) return [];
    return [
      {
        path: join(path, name),
        seen: 'missing',
        expected: 'there',
        advice: `Add it: ${field.about}`,
      },
    ];
  });
  return [...unknown, ...known];
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describeValue(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isRecord(value)) return 'an object';
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function describeRange(least: number, most: number): string {
  return most === Number.MAX_SAFE_INTEGER
    ? `a whole number of ${least} or more`
    : `a whole number from ${least} to ${most}`;
}

/** The known name that is nearest to what was written, if any is near. */
export function suggest(written: string, names: readonly string[]): string {
  const [nearest] = names
    .map((name) => ({ name, steps: distance(written.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.steps - b.steps || (a.name < b.name ? -1 : 1));
  return nearest !== undefined && nearest.steps <= Math.max(2, nearest.name.length >>> 1)
    ? `Did you mean "${nearest.name}"?`
    : `Known are ${names.join(', ')}.`;
}

/** How many letters must be put in, taken out or changed (Levenshtein, 1966). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((next[j - 1] as number) + 1, (row[j] as number) + 1, (row[j - 1] as number) + same));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** A shape as JSON Schema, draft 2020-12. */
export function toJsonSchema(shape: Shape): Readonly<Record<string, unknown>> {
  const description = shape.about;
  switch (shape.type) {
    case 'whole':
      return { type: 'integer', description, minimum: shape.least, maximum: shape.most };
    case 'text':
      return {
        type: 'string',
        description,
        ...(shape.pattern === undefined ? {} : { pattern: shape.pattern }),
      };
    case 'truth':
      return { type: 'boolean', description };
    case 'choice':
      return { enum: shape.of, description };
    case 'list':
      return {
        type: 'array',
        description,
        items: toJsonSchema(shape.of),
        ...(shape.least === undefined ? {} : { minItems: shape.least }),
        ...(shape.most === undefined ? {} : { maxItems: shape.most }),
      };
    case 'record':
      return {
        type: 'object',
        description,
        properties: Object.fromEntries(
          Object.entries(shape.fields).map(([name, field]) => [name, toJsonSchema(field)]),
        ),
        required: Object.keys(shape.fields).filter((name) => shape.optional?.includes(name) !== true),
        additionalProperties: false,
      };
    case 'tagged':
      return {
        description,
        oneOf: Object.entries(shape.of).map(([name, record]) => {
          const schema = toJsonSchema(record);
          const properties = schema['properties'] as Readonly<Record<string, unknown>>;
          return { title: name, ...schema, properties: { ...properties, [shape.by]: { const: name } } };
        }),
      };
    case 'either':
      return {
        description,
        oneOf: Object.entries(shape.of).map(([name, field]) => ({
          type: 'object',
          properties: { [name]: toJsonSchema(field) },
          required: [name],
          additionalProperties: false,
        })),
      };
    case 'anything':
      return { description };
  }
}
