import { PRINTED } from './host.ts';
import {
  type Func,
  functionsOf,
  type Program,
  type SourceFile,
  type Statement,
  type Table,
  type Variable,
} from './model.ts';

/** `shown`: variables have their names, which several may share. `unique`: each has a name of its own, by its id. */
export type Naming = 'shown' | 'unique';

/** Returns the name that no other variable of the hypervisor has. */
export const uniqueName = ({ prefix }: Program, { id }: Variable): string => `${prefix}_v${id}`;

/** Returns the text of each file of a program: `a.c`. The lines are the same for both namings. */
export function render(program: Program, naming: Naming): Record<string, string> {
  const renderer = new Renderer(program, naming);
  return Object.fromEntries(
    program.files
      .filter(({ functions }) => functions.length > 0)
      .map((file) => [`${program.prefix}${file.name}.c`, renderer.file(file)]),
  );
}

const quoted = (text: string): string => JSON.stringify(text);

/** Returns a line that is printed, as a literal. */
const printed = (text: string): string => quoted(`${PRINTED}${text}\n`);

class Renderer {
  readonly #program: Program;
  readonly #naming: Naming;
  readonly #functions: ReadonlyMap<number, Func>;

  constructor(program: Program, naming: Naming) {
    this.#program = program;
    this.#naming = naming;
    this.#functions = new Map(functionsOf(program).map((func) => [func.id, func]));
  }

  file(file: SourceFile): string {
    const own = new Set(file.functions);
    const known = [...this.#functions.values()].filter((func) => func.linkage === 'global' || own.has(func));
    return [
      '#include <xen.h>',
      ...known.map((func) => `${this.#signature(func)};`),
      ...file.variables.map((variable) => this.#variable(variable)),
      ...file.tables.map((table) => this.#table(table)),
      ...file.functions.flatMap((func) => this.#definition(file, func)),
      '',
    ].join('\n');
  }

  #name(variable: Variable): string {
    return this.#naming === 'unique' ? uniqueName(this.#program, variable) : variable.name;
  }

  #variable(variable: Variable): string {
    const { bits, count, initial } = variable;
    const value = initial === 0 ? '' : count === 1 ? ` = ${initial}` : ` = { ${initial} }`;
    return `static u${bits} ${this.#name(variable)}${count === 1 ? '' : `[${count}]`}${value};`;
  }

  #func(id: number): Func {
    const found = this.#functions.get(id);
    if (found === undefined) throw new Error(`the program has no function ${id}`);
    return found;
  }

  #table(table: Table): string {
    const { name, kind } = table;
    if (kind === 'numbers') return `static const u32 ${name}[] = { ${table.entries.join(', ')} };`;
    if (kind === 'texts') return `static const char *const ${name}[] = { ${table.entries.map(quoted).join(', ')} };`;
    const names = table.entries.map((id) => this.#func(id).name);
    return `static u32 (*const ${name}[])(u32, u32, u8 *) = { ${names.join(', ')} };`;
  }

  #signature({ name, linkage, inlining, extras }: Func): string {
    const keyword =
      inlining === 'inline' ? 'inline __attribute__((always_inline)) ' : inlining === '' ? '' : `${inlining} `;
    const more = Array.from({ length: extras }, (_, i) => `, u32 p${i}`).join('');
    return `${linkage === 'static' ? 'static ' : ''}${keyword}cf_check u32 ${name}(u32 a, u32 b, u8 *buf${more})`;
  }

  #definition(file: SourceFile, func: Func): string[] {
    return [
      ...Array.from({ length: func.pad }, () => ''),
      this.#signature(func),
      '{',
      '    u32 r = a * 3 + b;',
      ...Array.from({ length: func.extras }, (_, i) => `    r += p${i} * 5;`),
      ...this.#statements(file, func.body, '    '),
      '    return r;',
      '}',
    ];
  }

  #statements(file: SourceFile, list: readonly Statement[], indent: string): string[] {
    return list.flatMap((statement) => this.#statement(file, statement).map((line) => `${indent}${line}`));
  }

  #statement(file: SourceFile, statement: Statement): string[] {
    switch (statement.kind) {
      case 'mix':
        return [`r ${statement.op}= ${statement.constant};`];
      case 'if':
        return [
          `if ( (r & 0x3f) ${statement.compare} ${statement.constant} )`,
          '{',
          ...this.#statements(file, statement.then, '    '),
          '}',
          ...(statement.otherwise.length === 0
            ? []
            : ['else', '{', ...this.#statements(file, statement.otherwise, '    '), '}']),
        ];
      case 'loop':
        return [
          `for ( u32 i = 0; i < (a & 3) + ${statement.times}; i++ )`,
          `    r = r * ${statement.constant} + (r >> 7) + i;`,
        ];
      case 'count': {
        const variable = file.variables.find(({ id }) => id === statement.variable);
        if (variable === undefined) throw new Error(`${file.name} has no variable ${statement.variable}`);
        const name = this.#name(variable);
        const place = variable.count === 1 ? name : `${name}[r % ARRAY_SIZE(${name})]`;
        return [
          '{',
          `    u${variable.bits} *place = &${place};`,
          `    *place += (b & 7) + ${statement.constant};`,
          '    r ^= *place;',
          '}',
        ];
      }
      case 'local': {
        const name = this.#name(statement.variable);
        return [
          '{',
          `    ${this.#variable(statement.variable)}`,
          `    ${name} += (r & 7) + ${statement.constant};`,
          `    r += ${name} * 3;`,
          '}',
        ];
      }
      case 'once': {
        const name = this.#name(statement.variable);
        return [
          '{',
          `    ${this.#variable(statement.variable)}`,
          `    if ( !${name} )`,
          '    {',
          `        ${name} = 1;`,
          `        printk(${printed(statement.text)});`,
          '    }',
          '}',
        ];
      }
      case 'print':
        return [`printk(${printed(`${statement.text} %u %u`)}, r, ${statement.constant});`];
      case 'line':
        return [`printk(${printed(`${statement.text} %s:%d %u`)}, __FILE__, __LINE__, r);`];
      case 'warn':
        return [`WARN_ON((r & 7) == ${statement.constant});`];
      case 'lookup':
        return this.#lookup(file, statement);
      case 'switch':
        return [
          'switch ( r & 15 )',
          '{',
          ...statement.cases.map((value, i) => `case ${i}: r = r * ${value} + b; buf[${i}] = ${value & 255}; break;`),
          'default: r ^= b; break;',
          '}',
        ];
      case 'call': {
        const extras = statement.extras.map((value) => `, ${value}`).join('');
        return [`r += ${this.#func(statement.callee).name}(r ^ ${statement.constant}, b, buf${extras});`];
      }
      case 'store':
        return [`buf[${16 + (statement.constant & 15)}] = r + ${statement.constant};`];
    }
  }

  #lookup(file: SourceFile, { table: id, constant }: Statement & { readonly kind: 'lookup' }): string[] {
    const table = file.tables.find((each) => each.id === id);
    if (table === undefined) throw new Error(`${file.name} has no table ${id}`);
    const entry = `${table.name}[(r + ${constant}) % ARRAY_SIZE(${table.name})]`;
    if (table.kind === 'numbers') return [`r += ${entry};`];
    if (table.kind === 'texts') return [`printk(${printed('%s')}, ${entry});`];
    return [`r += ${entry}(r, b, buf);`];
  }
}
