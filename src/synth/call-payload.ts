import type { Architecture } from '../arch/index.ts';
import { fromLatin1, hex, XspliceError } from '../base/index.ts';
import { type FunctionCall, KSYM_NAME_LEN } from '../xen/index.ts';
import type { ArmName } from './arm-code.ts';
import { armHookPayload } from './arm-hook-payload.ts';
import { hookPayload, say } from './hook-payload.ts';
import { buildPayload } from './payload-builder.ts';
import type { PayloadSpec } from './payload-spec.ts';
import type { XenFacts } from './xen-facts.ts';

/**
 * Builds the payload that calls a function of a running hypervisor: its load hook makes the call while the payload is applied, and leaves the result
 * in `.data`. It patches nothing.
 */

/** The payload's name on the host. */
export const CALL_PAYLOAD_NAME = 'xsplice-call';

/** What the load hook prints before the call, with the address of the payload's data, and after it. */
export const CALL_BEGINS = 'xsplice call: data at ';
export const CALL_ENDS = 'xsplice call: done';

/** Symbols of the payload. Any other name belongs to the hypervisor or to a loaded payload. */
const CODE = 'xsplice_call';
const DATA = 'xsplice_call_data';

/** Offsets in the data, in bytes. */
const RESULT = 0;
const DONE = 8;
const ARGUMENTS = 16;

/** Alignment of texts and buffers in bytes. */
const ALIGNMENT = 16;

/** Most arguments: more than any function has, and they must fit on a stack of 8 KiB. */
const MOST_ARGUMENTS = 64;
/** Most bytes of texts and buffers: the whole payload must fit into LIVEPATCH_MAX_SIZE. */
const MOST_BYTES = 0x10_0000;

export interface CallPayload {
  readonly bytes: Uint8Array;
  /** Size of the data in bytes. */
  readonly dataSize: number;
  /** Reads the data after the call. `result` is `null` if the function did not return. */
  readBack(data: Uint8Array): { readonly result: bigint | null; readonly buffers: readonly Uint8Array[] };
}

/** Builds the payload. Throws an XspliceError (EUSAGE) for a name that no symbol can have, and for too many or too large arguments. */
export function buildCallPayload(xen: XenFacts, request: FunctionCall): CallPayload {
  const { function: name, args } = request;
  if (!isSymbolName(name)) {
    throw new XspliceError(
      'EUSAGE',
      `${JSON.stringify(name)} is no name of a function`,
      'static functions are FILE#name',
    );
  }
  if (args.length > MOST_ARGUMENTS) {
    throw new XspliceError(
      'EUSAGE',
      `too many arguments for ${name}: ${args.length}, and at most ${MOST_ARGUMENTS} are possible`,
    );
  }
  let size = ARGUMENTS;
  const pieces: { readonly at: number; readonly bytes: Uint8Array; readonly readable: boolean }[] = [];
  const place = (bytes: Uint8Array, readable: boolean): CallValue => {
    const at = size;
    pieces.push({ at, bytes, readable });
    size = Math.ceil((at + bytes.length) / ALIGNMENT) * ALIGNMENT;
    return { symbol: DATA, plus: at };
  };
  const values = args.map((arg): CallValue => {
    if (arg.kind === 'int') return integer(arg.value, name, 8 * xen.arch.elf.pointerSize);
    if (arg.kind === 'buffer') return place(arg.bytes, true);
    if (!/^[\0-\xff]*$/.test(arg.text)) {
      throw new XspliceError(
        'EUSAGE',
        `a text for ${name} has characters that are no bytes`,
        'write them as UTF-8 bytes',
      );
    }
    return place(fromLatin1(`${arg.text}\0`), false);
  });
  if (size > MOST_BYTES)
    throw new XspliceError('EUSAGE', `the arguments for ${name} take more than ${MOST_BYTES} bytes`);
  const data = new Uint8Array(size);
  for (const { at, bytes } of pieces) data.set(bytes, at);
  const spec = SPECS[xen.arch.name](name, values, {
    sections: [{ name: '.data', flags: 'AW', hex: hex(data), align: ALIGNMENT, symbols: [{ name: DATA, at: 0 }] }],
  });
  return {
    bytes: buildPayload(spec, { xen }),
    dataSize: size,
    readBack: (read) => {
      const view = new DataView(read.buffer, read.byteOffset, read.byteLength);
      return {
        result: view.getBigUint64(DONE, true) === 1n ? view.getBigUint64(RESULT, true) : null,
        buffers: pieces.filter(({ readable }) => readable).map(({ at, bytes }) => read.slice(at, at + bytes.length)),
      };
    },
  };
}

/** An argument: a number, or an offset in the payload's data. */
type CallValue = bigint | { readonly symbol: string; readonly plus: number };

/** Returns the spec of the payload whose load hook makes the call. */
type WriteSpec = (name: string, args: readonly CallValue[], rest: PayloadSpec) => PayloadSpec;

const armSpec =
  (arch: ArmName): WriteSpec =>
  (name, args, rest) =>
    armHookPayload(
      arch,
      {
        [CODE]: (code) => {
          code.enter().say(`<0>${CALL_BEGINS}%p\n`, { symbol: DATA });
          code.callWith(name, args).store(0, DATA, RESULT).set(0, 1).store(0, DATA, DONE);
          return code.say(`<0>${CALL_ENDS}\n`).leave();
        },
      },
      { load: [CODE] },
      rest,
    );

const SPECS: Readonly<Record<Architecture['name'], WriteSpec>> = {
  x86_64: (name, args, rest) =>
    hookPayload(
      {
        [CODE]: (code) => {
          say(code.push('rbx'), `<0>${CALL_BEGINS}%p\n`, { symbol: DATA });
          code.callWith(name, args).store('rax', DATA, RESULT).set('rax', 1).store('rax', DATA, DONE);
          return say(code, `<0>${CALL_ENDS}\n`).pop('rbx').ret();
        },
      },
      { load: [CODE] },
      rest,
    ),
  arm64: armSpec('arm64'),
  arm32: armSpec('arm32'),
};

/** Can a symbol table contain the name? Names of sections and of the payload's own symbols do not count. */
const isSymbolName = (name: string): boolean =>
  /^[\x21-\x7e]+$/.test(name) && name.length <= KSYM_NAME_LEN && !/^(?:\.|xsplice_call)/.test(name);

function integer(value: bigint, name: string, bits: number): bigint {
  if (value !== BigInt.asUintN(bits, value) && value !== BigInt.asIntN(bits, value)) {
    throw new XspliceError('EUSAGE', `${value} does not fit into the ${bits} bits of an argument of ${name}`);
  }
  return value;
}
