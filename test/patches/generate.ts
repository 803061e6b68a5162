import type { Random } from '../mutants/random.ts';
import type { Func, Program, SourceFile, Statement, Variable } from './model.ts';

const WORDS = ['guest port', 'bad page', 'no memory', 'limit reached', 'unknown', 'vector', 'timeout', 'retry'];
const HELPERS = ['help', 'fold', 'step', 'check'];
/** Names of blocks' variables, which several share; and those of files', which a block's never hides. */
const LOCALS = ['n', 'seen', 'once'];
const STATICS = ['count', 'state', 'last', 'total'];
const TABLES = ['weights', 'names', 'handlers', 'limits', 'modes'];

/** Draws parts of programs. Numbers are small, so that some equal the lines that they stand on. */
export class Generator {
  readonly random: Random;
  readonly program: Program;

  constructor(random: Random, program: Program) {
    this.random = random;
    this.program = program;
  }

  id(): number {
    return this.program.next++;
  }

  number(): number {
    return this.random.chance(80) ? 1 + this.random.below(63) : 1 + this.random.below(100_000);
  }

  /** Short texts are alike often, and one may be the end of another. */
  text(): string {
    const word = this.random.pick(WORDS);
    return this.random.chance(50) ? word : `${this.random.pick(WORDS)} ${word}`;
  }

  variable(names: readonly string[]): Variable {
    const { random } = this;
    return {
      id: this.id(),
      name: random.pick(names),
      bits: random.chance(75) ? 32 : 64,
      count: names === STATICS && random.chance(25) ? 4 : 1,
      initial: random.chance(60) ? 0 : this.number(),
    };
  }

  local(): Statement {
    return { kind: 'local', variable: this.variable(LOCALS), constant: this.number() };
  }

  once(): Statement {
    const variable: Variable = { id: this.id(), name: this.random.pick(LOCALS), bits: 32, count: 1, initial: 0 };
    return { kind: 'once', variable, text: this.text() };
  }

  /** Returns a statement that needs nothing besides itself. */
  simple(): Statement {
    const { random } = this;
    const constant = this.number();
    return random.pick<() => Statement>([
      () => ({ kind: 'mix', op: random.pick(['+', '-', '^', '*']), constant }),
      () => ({ kind: 'mix', op: random.pick(['+', '-', '^', '*']), constant }),
      () => ({ kind: 'loop', times: 1 + random.below(5), constant }),
      () => ({ kind: 'print', text: this.text(), constant }),
      () => ({ kind: 'line', text: this.text() }),
      () => ({ kind: 'warn', constant: random.below(8) }),
      () => ({ kind: 'switch', cases: Array.from({ length: 3 + random.below(7) }, () => this.number()) }),
      () => ({ kind: 'store', constant }),
      () => this.local(),
      () => this.once(),
    ])();
  }

  condition(then: Statement[], otherwise: Statement[]): Statement {
    return {
      kind: 'if',
      compare: this.random.pick(['<', '>', '==', '!=']),
      constant: this.random.below(64),
      then,
      otherwise,
    };
  }

  /** Returns a name for something of a file that has none like it, or `undefined` where all are taken. */
  free(names: readonly string[], taken: readonly string[]): string | undefined {
    const left = names.filter((name) => !taken.includes(name));
    return left.length === 0 ? undefined : this.random.pick(left);
  }

  /** Adds a static variable to a file. */
  addVariable(file: SourceFile): Variable | undefined {
    const taken = file.variables.map(({ name }) => name);
    const name = this.free(STATICS, taken);
    if (name === undefined) return undefined;
    const variable = { ...this.variable(STATICS), name };
    file.variables.splice(this.random.below(file.variables.length + 1), 0, variable);
    return variable;
  }

  addTable(file: SourceFile, callees: readonly Func[]): number | undefined {
    const name = this.free(
      TABLES,
      file.tables.map((table) => table.name),
    );
    if (name === undefined) return undefined;
    const { random } = this;
    const id = this.id();
    const length = 3 + random.below(5);
    const fill = <T>(draw: () => T): T[] => Array.from({ length }, draw);
    const kind = random.pick(
      callees.length === 0
        ? (['numbers', 'texts'] as const)
        : (['numbers', 'texts', 'functions', 'functions'] as const),
    );
    if (kind === 'numbers') file.tables.push({ id, name, kind, entries: fill(() => this.number()) });
    else if (kind === 'texts') file.tables.push({ id, name, kind, entries: fill(() => this.text()) });
    else file.tables.push({ id, name, kind, entries: fill(() => random.pick(callees).id) });
    return id;
  }

  /** Returns a function without a body. */
  func(file: SourceFile, entry: boolean): Func {
    const { random, program } = this;
    const id = this.id();
    const linkage = entry || random.chance(25) ? 'global' : 'static';
    const shared = `${program.prefix}_${random.pick(HELPERS)}`;
    const taken = file.functions.some(({ name }) => name === shared);
    const name = linkage === 'static' && !taken && random.chance(60) ? shared : `${program.prefix}_f${id}`;
    const inlining = linkage === 'global' || random.chance(50) ? 'noinline' : random.chance(20) ? 'inline' : '';
    return {
      id,
      name,
      linkage,
      inlining,
      extras: entry ? 0 : random.below(3) === 0 ? 1 : 0,
      entry,
      body: [],
      pad: random.below(4),
    };
  }
}

/** Returns a program for an index; the same random numbers give the same one. */
export function generate(random: Random, prefix: string): Program {
  const files: SourceFile[] = ['a', ...(random.chance(40) ? ['b'] : [])].map((name) => ({
    name,
    variables: [],
    tables: [],
    functions: [],
  }));
  const program: Program = { prefix, files, next: 0 };
  const generator = new Generator(random, program);
  for (const file of files) {
    for (let i = random.below(3); i >= 0; i--) generator.addVariable(file);
  }
  const functions: (readonly [SourceFile, Func])[] = [];
  // What is called is made first, so that no call leads back to its caller.
  for (let i = 4 + random.below(3); i > 0; i--) {
    const file = random.pick(files);
    const func = generator.func(file, i <= 2 || random.chance(20));
    const callees = functions.flatMap(([home, callee]) =>
      home === file || callee.linkage === 'global' ? [callee] : [],
    );
    fill(generator, file, func, callees);
    file.functions.splice(random.below(file.functions.length + 1), 0, func);
    functions.push([file, func]);
  }
  return program;
}

function fill(generator: Generator, file: SourceFile, func: Func, callees: readonly Func[]): void {
  const { random } = generator;
  const one = (): Statement => {
    if (callees.length > 0 && random.chance(25)) {
      const callee = random.pick(callees);
      const extras = Array.from({ length: callee.extras }, () => generator.number());
      return { kind: 'call', callee: callee.id, constant: generator.number(), extras };
    }
    if (file.variables.length > 0 && random.chance(20)) {
      return { kind: 'count', variable: random.pick(file.variables).id, constant: generator.number() };
    }
    if (random.chance(12)) {
      const table = generator.addTable(
        file,
        callees.filter(({ extras }) => extras === 0),
      );
      if (table !== undefined) return { kind: 'lookup', table, constant: generator.number() };
    }
    return generator.simple();
  };
  for (let i = 2 + random.below(4); i > 0; i--) {
    if (!random.chance(25)) func.body.push(one());
    else func.body.push(generator.condition([one()], random.chance(40) ? [one()] : []));
  }
}
