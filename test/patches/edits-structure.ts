import { type Edit, pickOther, site } from './edit.ts';
import type { Generator } from './generate.ts';
import { type Func, fileOf, functionsOf, isPointedTo, namesIn, type Program, type Site, sites } from './model.ts';

/** Functions whose callers are all known, and can be changed with them. */
const inner = (program: Program): Func[] => functionsOf(program).filter((func) => !func.entry);

/** Edits of what functions share. */
export const STRUCTURE_EDITS: readonly Edit[] = [
  {
    name: 'new static of a file',
    weight: 6,
    apply: (program, generator) => {
      const func = generator.random.pick(functionsOf(program));
      const variable = generator.addVariable(fileOf(program, func));
      if (variable === undefined) return undefined;
      func.body.splice(generator.random.below(func.body.length + 1), 0, {
        kind: 'count',
        variable: variable.id,
        constant: generator.number(),
      });
      return `${variable.name} in ${func.name}`;
    },
  },
  {
    name: 'static of a file removed',
    weight: 4,
    apply: (program, { random }) => {
      const files = program.files.filter(({ variables }) => variables.length > 0);
      if (files.length === 0) return undefined;
      const file = random.pick(files);
      const variable = random.pick(file.variables);
      file.variables.splice(file.variables.indexOf(variable), 1);
      const uses = sites(program).filter(
        ({ statement }) => statement.kind === 'count' && statement.variable === variable.id,
      );
      for (const { list, statement } of uses) list.splice(list.indexOf(statement), 1);
      return variable.name;
    },
  },
  {
    name: 'statics of a file in another order',
    weight: 3,
    apply: (program, { random }) => {
      const files = program.files.filter(({ variables }) => variables.length > 1);
      if (files.length === 0) return undefined;
      random.pick(files).variables.reverse();
      return '';
    },
  },
  {
    name: 'initial value',
    weight: 1,
    apply: (program, generator) => {
      const files = program.files.filter(({ variables }) => variables.length > 0);
      if (files.length === 0) return undefined;
      const variable = generator.random.pick(generator.random.pick(files).variables);
      variable.initial = pickOther(generator, variable.initial);
      return `of ${variable.name}`;
    },
  },
  {
    name: 'table',
    weight: 8,
    apply: (program, generator) => {
      const { random } = generator;
      const tables = program.files.flatMap((file) => file.tables);
      if (tables.length === 0) return undefined;
      const table = random.pick(tables);
      const { entries } = table;
      const what = random.pick(['changed', 'longer', 'shorter', 'in another order'] as const);
      const at = random.below(entries.length);
      if (what === 'shorter' && entries.length > 2) entries.splice(at, 1);
      else if (what === 'in another order') entries.reverse();
      else {
        // A new pointer is one of those that are there, so that no call leads back to its caller.
        const fresh =
          table.kind === 'numbers'
            ? generator.number()
            : table.kind === 'texts'
              ? generator.text()
              : random.pick(table.entries);
        (entries as (number | string)[]).splice(at, what === 'longer' ? 0 : 1, fresh);
      }
      return `${table.name} of ${table.kind}: ${what}`;
    },
  },
  {
    name: 'function moved in its file',
    weight: 4,
    apply: (program, { random }) => {
      const files = program.files.filter(({ functions }) => functions.length > 1);
      if (files.length === 0) return undefined;
      const { functions } = random.pick(files);
      const func = random.pick(functions);
      functions.splice(functions.indexOf(func), 1);
      functions.splice(random.below(functions.length + 1), 0, func);
      return func.name;
    },
  },
  { name: 'function moved to another file', weight: 6, apply: moveToOtherFile },
  {
    name: 'new parameter',
    weight: 5,
    apply: (program, generator) => {
      const found = inner(program).filter((func) => !isPointedTo(program, func));
      if (found.length === 0) return undefined;
      const func = generator.random.pick(found);
      func.extras++;
      for (const { statement } of sites(program)) {
        if (statement.kind === 'call' && statement.callee === func.id) statement.extras.push(generator.number());
      }
      return `of ${func.name}`;
    },
  },
  {
    name: 'helper renamed',
    weight: 4,
    apply: (program, generator) => {
      const found = inner(program);
      if (found.length === 0) return undefined;
      const func = generator.random.pick(found);
      const old = func.name;
      func.name = `${program.prefix}_r${generator.id()}`;
      return `${old} to ${func.name}`;
    },
  },
  {
    name: 'inlining',
    weight: 5,
    apply: (program, { random }) => {
      const found = inner(program).filter(({ linkage }) => linkage === 'static');
      if (found.length === 0) return undefined;
      const func = random.pick(found);
      func.inlining = func.inlining === 'noinline' ? 'inline' : 'noinline';
      return `${func.name} is ${func.inlining} now`;
    },
  },
  {
    name: 'linkage',
    weight: 5,
    apply: (program, { random }) => {
      const found = inner(program).filter((func) =>
        func.linkage === 'static' ? canBeGlobal(program, func) : usedAtHome(program, func),
      );
      if (found.length === 0) return undefined;
      const func = random.pick(found);
      if (func.linkage === 'static') makeGlobal(func);
      else func.linkage = 'static';
      return `${func.name} is ${func.linkage} now`;
    },
  },
  {
    name: 'helper from a statement',
    weight: 5,
    apply: (program, generator) => {
      const found = site(program, generator.random, [
        'mix',
        'loop',
        'print',
        'switch',
        'store',
        'count',
        'lookup',
      ] as const);
      if (found === undefined) return undefined;
      const { file, func, list, at, statement } = found;
      const helper: Func = { ...generator.func(file, false), extras: 0, body: [statement] };
      file.functions.splice(generator.random.below(file.functions.length + 1), 0, helper);
      list[at] = { kind: 'call', callee: helper.id, constant: generator.number(), extras: [] };
      return `${helper.name}, called by ${func.name}`;
    },
  },
  {
    name: 'helper into its caller',
    weight: 4,
    apply: (program, { random }) => {
      const calls = sites(program).flatMap(({ file, func, list, at, statement }) => {
        if (statement.kind !== 'call') return [];
        const callee = file.functions.find(({ id }) => id === statement.callee);
        // A static of a block that goes elsewhere is another variable or the same one: nobody can say.
        const plain =
          callee !== undefined &&
          sites(program, callee).every(
            (each) => !('variable' in each.statement && typeof each.statement.variable === 'object'),
          );
        return plain ? [{ func, list, at, callee }] : [];
      });
      if (calls.length === 0) return undefined;
      const { func, list, at, callee } = random.pick(calls);
      list.splice(at, 1, ...structuredClone(callee.body));
      return `${callee.name} into ${func.name}`;
    },
  },
];

function canBeGlobal({ files }: Program, func: Func): boolean {
  return files.every((file) => file.functions.every(({ name }) => name !== func.name || file.functions.includes(func)));
}

function makeGlobal(func: Func): void {
  func.linkage = 'global';
  if (func.inlining === 'inline') func.inlining = 'noinline';
}

/** Is a function called from its own file only? */
function usedAtHome(program: Program, func: Func): boolean {
  const home = fileOf(program, func);
  const called = sites(program).every(
    ({ file, statement }) => file === home || statement.kind !== 'call' || statement.callee !== func.id,
  );
  const pointed = program.files.every(
    (file) =>
      file === home || file.tables.every((table) => table.kind !== 'functions' || !table.entries.includes(func.id)),
  );
  return called && pointed;
}

/** Takes a function to the other file, with the statics and tables that it alone uses; what it calls becomes global. */
function moveToOtherFile(program: Program, generator: Generator): string | undefined {
  const { random } = generator;
  const func = random.pick(functionsOf(program));
  const from = fileOf(program, func);
  let to = program.files.find((file) => file !== from);
  if (to === undefined) {
    to = { name: 'b', variables: [], tables: [], functions: [] };
    program.files.push(to);
  }
  const used = (list: readonly Site[]): Set<number> =>
    new Set(
      list.flatMap(({ statement }) =>
        statement.kind === 'count' ? [statement.variable] : statement.kind === 'lookup' ? [statement.table] : [],
      ),
    );
  const own = used(sites(program, func));
  const others = used(sites(program).filter((each) => each.func !== func));
  if ([...own].some((id) => others.has(id))) return undefined;
  const variables = from.variables.filter(({ id }) => own.has(id));
  const tables = from.tables.filter(({ id }) => own.has(id));
  const callees = new Set(
    sites(program, func).flatMap(({ statement }) => (statement.kind === 'call' ? [statement.callee] : [])),
  );
  for (const table of tables) if (table.kind === 'functions') for (const id of table.entries) callees.add(id);
  const opened = functionsOf(program).filter(
    (each) => each.linkage === 'static' && (callees.has(each.id) || each === func),
  );
  const taken = namesIn(to);
  const clash = [func, ...variables, ...tables].some(({ name }) => taken.includes(name));
  if (clash || opened.some((each) => !canBeGlobal(program, each))) return undefined;
  const stays =
    func.linkage === 'static' &&
    sites(program).every(({ statement }) => statement.kind !== 'call' || statement.callee !== func.id) &&
    !isPointedTo(program, func);
  for (const each of opened) if (each !== func || !stays) makeGlobal(each);
  from.functions.splice(from.functions.indexOf(func), 1);
  to.functions.splice(random.below(to.functions.length + 1), 0, func);
  from.variables = from.variables.filter((each) => !variables.includes(each));
  to.variables.push(...variables);
  from.tables = from.tables.filter((each) => !tables.includes(each));
  to.tables.push(...tables);
  return `${func.name}, to ${to.name}`;
}
