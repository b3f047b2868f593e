/** What a parameter holds; `raw` leaves its type to the column that it is compared with. */
export type ParameterType =
  'integer' | 'text' | 'boolean' | 'json' | 'id' | 'ids' | 'texts' | 'raw';

/** A value that a statement binds by name, wherever it stands and however often. */
export class Parameter {
  constructor(
    readonly name: string,
    readonly type: ParameterType,
  ) {}
}

/** SQL text with parameters in it. */
export class Sql {
  constructor(readonly parts: readonly (string | Parameter)[]) {}
}

/** What stands between the words of a statement. A string is SQL text: a name from the metadata, never a value. */
export type SqlPart = Sql | Parameter | string | number;

/** SQL from a template. */
export function sql(strings: TemplateStringsArray, ...values: readonly SqlPart[]): Sql {
  return new Sql(
    strings.flatMap((text, index) => {
      const value = values[index];
      return value === undefined ? [text] : [text, ...partsOf(value)];
    }),
  );
}

/** Pieces with the same text between every two. */
export function join(pieces: readonly SqlPart[], separator: string): Sql {
  return new Sql(
    pieces.flatMap((piece, index) =>
      index === 0 ? partsOf(piece) : [separator, ...partsOf(piece)],
    ),
  );
}

/** A statement as the driver takes it: the text, and what to bind in which order. */
export interface Statement {
  readonly text: string;
  readonly parameters: readonly Parameter[];
}

export function compile(
  { parts }: Sql,
  placeholder: (type: ParameterType, position: number) => string,
): Statement {
  const parameters: Parameter[] = [];
  const text = parts.map((part) =>
    typeof part === 'string' ? part : placeholder(part.type, parameters.push(part)),
  );
  return { text: text.join('').replace(/\n\s*/g, ' ').trim(), parameters };
}

function partsOf(value: SqlPart): readonly (string | Parameter)[] {
  if (value instanceof Sql) return value.parts;
  return [value instanceof Parameter ? value : String(value)];
}
