import type { Random } from '../mutants/random.ts';
import { type Edit, pickOther, site } from './edit.ts';
import type { Generator } from './generate.ts';
import { type Func, functionsOf, type Program, type Statement, sites } from './model.ts';

/** Returns a function, and where in it something may be added. */
function opening(program: Program, random: Random): { readonly func: Func; insert(statement: Statement): void } {
  const func = random.pick(functionsOf(program));
  const lists = [
    func.body,
    ...sites(program, func).flatMap(({ statement }) => (statement.kind === 'if' ? [statement.then] : [])),
  ];
  const list = random.pick(lists);
  const at = random.below(list.length + 1);
  return { func, insert: (statement) => void list.splice(at, 0, statement) };
}
/** Do several static variables of a function's blocks share a name? */
function namesClash(program: Program, func: Func): boolean {
  const names = sites(program, func).flatMap(({ statement }) =>
    statement.kind === 'local' || statement.kind === 'once' ? [statement.variable.name] : [],
  );
  return new Set(names).size < names.length;
}

function addStatement(name: string, weight: number, draw: (generator: Generator) => Statement): Edit {
  return {
    name,
    weight,
    apply: (program, generator) => {
      const { func, insert } = opening(program, generator.random);
      const statement = draw(generator);
      insert(statement);
      const variable =
        'variable' in statement && typeof statement.variable === 'object' ? ` ${statement.variable.name}` : '';
      return `${statement.kind}${variable} in ${func.name}`;
    },
  };
}

function removeStatement(name: string, weight: number, kinds: readonly Statement['kind'][]): Edit {
  return {
    name,
    weight,
    apply: (program, { random }) => {
      const found = site(program, random, kinds);
      if (found === undefined) return undefined;
      found.list.splice(found.at, 1);
      return `${found.statement.kind} in ${found.func.name}`;
    },
  };
}

/** Edits within functions. */
export const STATEMENT_EDITS: readonly Edit[] = [
  {
    name: 'constant',
    weight: 12,
    apply: (program, generator) => {
      const kinds = ['mix', 'loop', 'count', 'local', 'print', 'lookup', 'call', 'store'] as const;
      const found = site(program, generator.random, kinds);
      if (found === undefined) return undefined;
      found.statement.constant = pickOther(generator, found.statement.constant);
      return `of ${found.statement.kind} in ${found.func.name}`;
    },
  },
  {
    name: 'constant moves with its line',
    weight: 5,
    apply: (program, generator) => {
      const found = site(program, generator.random, ['mix', 'print', 'call', 'store', 'count'] as const);
      if (found === undefined) return undefined;
      const lines = 1 + generator.random.below(4);
      found.func.pad += lines;
      found.statement.constant += lines;
      return `${lines} lines, ${found.statement.kind} in ${found.func.name}`;
    },
  },
  {
    name: 'condition',
    weight: 6,
    apply: (program, generator) => {
      const found = site(program, generator.random, ['if'] as const);
      if (found === undefined) return undefined;
      const { statement, func } = found;
      if (generator.random.chance(50)) statement.constant = (statement.constant + 1 + generator.random.below(62)) & 63;
      else statement.compare = statement.compare === '<' ? '>' : '<';
      return `in ${func.name}`;
    },
  },
  {
    name: 'text',
    weight: 6,
    apply: (program, generator) => {
      const found = site(program, generator.random, ['print', 'line', 'once'] as const);
      if (found === undefined) return undefined;
      found.statement.text = generator.text();
      return `in ${found.func.name}`;
    },
  },
  addStatement('new statement', 6, (generator) => generator.simple()),
  addStatement('new static of a block', 7, (generator) => generator.local()),
  addStatement('new once-guard', 7, (generator) => generator.once()),
  addStatement('new condition', 4, (generator) => generator.condition([generator.simple()], [])),
  removeStatement('statement removed', 5, [
    'mix',
    'loop',
    'print',
    'line',
    'warn',
    'switch',
    'store',
    'call',
    'lookup',
    'count',
  ]),
  removeStatement('static of a block removed', 6, ['local']),
  removeStatement('once-guard removed', 6, ['once']),
  {
    name: 'statements swapped',
    weight: 4,
    apply: (program, { random }) => {
      // With two statics of one name, it would be open which of them moved.
      const found = sites(program).filter(({ list, at, func }) => at + 1 < list.length && !namesClash(program, func));
      if (found.length === 0) return undefined;
      const { list, at, func } = random.pick(found);
      list.splice(at, 2, list[at + 1] as Statement, list[at] as Statement);
      return `in ${func.name}`;
    },
  },
  {
    name: 'switch',
    weight: 5,
    apply: (program, generator) => {
      const found = site(program, generator.random, ['switch'] as const);
      if (found === undefined) return undefined;
      const { cases } = found.statement;
      const at = generator.random.below(cases.length);
      if (cases.length < 14 && generator.random.chance(40)) cases.push(generator.number());
      else cases[at] = pickOther(generator, cases[at] as number);
      return `in ${found.func.name}`;
    },
  },
];
