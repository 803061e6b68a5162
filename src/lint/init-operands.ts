import { type Address, addOffset } from '../base/index.ts';
import { STB_LOCAL } from '../elf/index.ts';
import type { LintContext, NewFunction, OldFunction } from './context.ts';

/** Maximum number of bytes to search per function. */
const MAX_CODE = 64 * 1024;

/** References to init memory from the functions that the payload replaces. */
export class InitOperands {
  readonly #context: LintContext;
  readonly #byFunction = new Map<OldFunction, ReadonlySet<Address>>();

  constructor(context: LintContext) {
    this.#context = context;
  }

  /**
   * Tells whether the old code already refers to init memory of `size` bytes at `start`. The old code is the function that the payload's
   * function at this place replaces or, if it replaces none, all replaced functions.
   */
  refersTo(section: number, offset: number, start: Address, size: number): boolean {
    const end = addOffset(start, Math.max(1, size));
    return this.#replacedBy(section, offset).some((old) =>
      [...this.#of(old)].some((operand) => operand >= start && operand < end),
    );
  }

  #replacedBy(section: number, offset: number): readonly OldFunction[] {
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

  /** Returns the function and its `.cold` parts, as far as the image has symbols for them. */
  #parts({ address, room, name }: OldFunction): (readonly [Address, number])[] {
    const parts: (readonly [Address, number])[] = [[address, room]];
    const { symbols } = this.#context.image.elf;
    const [file, plain] = name.includes('#') ? name.split(/#(.*)/s) : [undefined, name];
    const cold = `${plain}.cold`;
    if (file !== undefined) {
      const index = symbols.findInFile(file, cold);
      if (index !== undefined) parts.push([symbols.value(index), symbols.size(index)]);
    } else {
      // The parts of global functions are local, too.
      for (const index of symbols.findAll(cold)) {
        if (symbols.bind(index) === STB_LOCAL) parts.push([symbols.value(index), symbols.size(index)]);
      }
    }
    return parts;
  }

  *#operands(address: Address, size: number): Generator<Address, void, void> {
    const code = this.#context.image.bytes(address, Math.min(size, MAX_CODE));
    for (const operand of this.#context.arch.code?.operands(code, address) ?? []) {
      const place = addOffset(address, operand);
      if (this.#context.regionOf(place) === 'init') yield place;
    }
  }
}

const replaces = ({ entry: { newAddr } }: OldFunction, { section, offset }: NewFunction): boolean =>
  newAddr.kind === 'section' && newAddr.section === section && newAddr.offset === offset;
