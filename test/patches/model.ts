/** A small C program as data: what the generator makes, what edits change, and what becomes text in the end. */

/** A variable that keeps its value between calls. `id` says which one it is, whatever its name. */
export interface Variable {
  readonly id: number;
  name: string;
  bits: 32 | 64;
  /** Elements; 1 for a scalar. */
  count: number;
  initial: number;
}

/** A table of constants: numbers, texts, or ids of functions. */
export type Table = { readonly id: number; name: string } & (
  | { readonly kind: 'numbers'; entries: number[] }
  | { readonly kind: 'texts'; entries: string[] }
  | { readonly kind: 'functions'; entries: number[] }
);

/** A statement. Every one reads or changes `r`, the result of its function. */
export type Statement =
  | { readonly kind: 'mix'; op: '+' | '-' | '^' | '*'; constant: number }
  | {
      readonly kind: 'if';
      compare: '<' | '>' | '==' | '!=';
      constant: number;
      then: Statement[];
      otherwise: Statement[];
    }
  | { readonly kind: 'loop'; times: number; constant: number }
  | { readonly kind: 'count'; readonly variable: number; constant: number }
  | { readonly kind: 'local'; readonly variable: Variable; constant: number }
  | { readonly kind: 'once'; readonly variable: Variable; text: string }
  | { readonly kind: 'print'; text: string; constant: number }
  | { readonly kind: 'line'; text: string }
  | { readonly kind: 'warn'; constant: number }
  | { readonly kind: 'lookup'; readonly table: number; constant: number }
  | { readonly kind: 'switch'; cases: number[] }
  | { readonly kind: 'call'; readonly callee: number; constant: number; extras: number[] }
  | { readonly kind: 'store'; constant: number };

export interface Func {
  readonly id: number;
  name: string;
  linkage: 'static' | 'global';
  inlining: '' | 'noinline' | 'inline';
  /** Parameters besides those of every function. */
  extras: number;
  /** Called from outside: keeps its name and parameters. */
  readonly entry: boolean;
  body: Statement[];
  /** Empty lines in front of it. */
  pad: number;
}

export interface SourceFile {
  readonly name: string;
  /** Static variables of the file. */
  variables: Variable[];
  tables: Table[];
  functions: Func[];
}

/** The sources of one edit. */
export interface Program {
  /** Sets its global names apart from those of the other programs of the same hypervisor. */
  readonly prefix: string;
  readonly files: SourceFile[];
  /** The next free id. */
  next: number;
}

/** A statement, and where it stands. */
export interface Site {
  readonly file: SourceFile;
  readonly func: Func;
  readonly list: Statement[];
  readonly at: number;
  readonly statement: Statement;
}

function* sitesIn(file: SourceFile, func: Func, list: Statement[]): Generator<Site, void, void> {
  for (const [at, statement] of list.entries()) {
    yield { file, func, list, at, statement };
    if (statement.kind === 'if') {
      yield* sitesIn(file, func, statement.then);
      yield* sitesIn(file, func, statement.otherwise);
    }
  }
}

/** Returns every statement of a program, or of one function of it. */
export function sites(program: Program, only?: Func): Site[] {
  return program.files.flatMap((file) =>
    file.functions
      .filter((func) => only === undefined || func === only)
      .flatMap((func) => [...sitesIn(file, func, func.body)]),
  );
}

/** Returns every function of a program. */
export const functionsOf = ({ files }: Program): Func[] => files.flatMap(({ functions }) => functions);

/** Returns every variable of a program, those of blocks included. */
export const variablesOf = (program: Program): Variable[] => [
  ...program.files.flatMap(({ variables }) => variables),
  ...sites(program).flatMap(({ statement }) =>
    'variable' in statement && typeof statement.variable === 'object' ? [statement.variable] : [],
  ),
];

/** Returns the file that has a function. */
export function fileOf({ files }: Program, func: Func): SourceFile {
  const found = files.find(({ functions }) => functions.includes(func));
  if (found === undefined) throw new Error(`${func.name} is in no file`);
  return found;
}

/** Is the address of the function in a table? */
export const isPointedTo = ({ files }: Program, { id }: Func): boolean =>
  files.some(({ tables }) => tables.some((table) => table.kind === 'functions' && table.entries.includes(id)));

/** Returns the names that another static or global of a file must not have. */
export const namesIn = ({ variables, tables, functions }: SourceFile): string[] => [
  ...variables.map(({ name }) => name),
  ...tables.map(({ name }) => name),
  ...functions.map(({ name }) => name),
];
