import { type Address, addOffset } from '../base/index.ts';
import { STB_LOCAL } from '../elf/index.ts';
import type { LintContext, NewFunction, OldFunction } from './context.ts';

/** Most bytes of a function's code that are looked at. */
const MOST_CODE = 64 * 1024;

/** Places in init memory that the code of functions which the payload replaces leads to. */
export class InitOperands {
  readonly #context: LintContext;
  readonly #byFunction = new Map<OldFunction, ReadonlySet<Address>>();

  constructor(context: LintContext) {
    this.#context = context;
  }

  /**
   * Does the code that a place of the payload stands for lead to something in init memory, of `size` bytes from `start`? The code is that of the
   * function which is replaced by the one that the place is in; where no function of the payload is at the place, or one that replaces none, that of all that
   * are replaced.
   */
  leadsTo(section: number, offset: number, start: Address, size: number): boolean {
    const end = addOffset(start, Math.max(1, size));
    return this.#standsFor(section, offset).some((old) =>
      [...this.#of(old)].some((operand) => operand >= start && operand < end),
    );
  }

  #standsFor(section: number, offset: number): readonly OldFunction[] {
    const { oldFunctions } = this.#context;
    const inside = this.#context.functionAt(section, offset);
    const own = inside === undefined ? [] : oldFunctions.filter((old) => replaces(old, inside));
    return own.length > 0 ? own : oldFunctions;
  }

  #of(old: OldFunction): ReadonlySet<Address> {
    let operands = this.#byFunction.get(old);
    if (operands === undefined) {
      operands = new Set(this.#parts(old).flatMap(([address, size]) => [...this.#operands(address, size)]));
      this.#byFunction.set(old, operands);
    }
    return operands;
  }

  /** The function, and the parts of it that the compiler has put elsewhere, as far as the image's symbol table tells. */
  #parts({ address, room, name }: OldFunction): (readonly [Address, number])[] {
    const parts: (readonly [Address, number])[] = [[address, room]];
    const { symbols } = this.#context.image.elf;
    const [file, plain] = name.includes('#') ? name.split(/#(.*)/s) : [undefined, name];
    const cold = `${plain}.cold`;
    if (file !== undefined) {
      const index = symbols.findInFile(file, cold);
      if (index !== undefined) parts.push([symbols.value(index), symbols.size(index)]);
    } else {
      // Those of global functions are local all the same.
      for (const index of symbols.findAll(cold)) {
        if (symbols.bind(index) === STB_LOCAL) parts.push([symbols.value(index), symbols.size(index)]);
      }
    }
    return parts;
  }

  *#operands(address: Address, size: number): Generator<Address, void, void> {
    const code = this.#context.image.bytes(address, Math.min(size, MOST_CODE));
    for (const operand of this.#context.arch.code?.operands(code, address) ?? []) {
      const place = addOffset(address, operand);
      if (this.#context.regionOf(place) === 'init') yield place;
    }
  }
}

const replaces = ({ entry: { newAddr } }: OldFunction, { section, offset }: NewFunction): boolean =>
  newAddr.kind === 'section' && newAddr.section === section && newAddr.offset === offset;
