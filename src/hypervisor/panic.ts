import { type Address, pointerText } from '../base/index.ts';
import { type Fault, pageTableWalk } from '../machine/index.ts';
import type { HostPanic } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { StopCause } from './stop.ts';

/**
 * Panic screens in Xen's form. What only a real run knows is marked: registers and stack are `[...]`, and an offset in a function is `?`.
 * Sources: xen/arch/x86/traps.c (show_execution_state, fatal_trap), common/console panic(), arch/x86/x86_64/traps.c.
 */

type PanicCause = Exclude<StopCause, { kind: 'hook' }>;

export function hostPanic(hv: Hypervisor, cause: PanicCause): HostPanic {
  const screen: string[] = [];
  const { head, message, errorCode, address } = describe(hv, cause);
  screen.push(...head);
  if (message.length > 0) screen.push('', STARS, 'Panic on CPU 0:', ...message, STARS, '', 'Reboot in five seconds...');
  return { message: message[0] ?? `reset: ${(cause as { why?: string }).why ?? ''}`, errorCode, address, screen };
}

const STARS = '*'.repeat(40);

interface Description {
  /** Lines above the first row of asterisks. */
  readonly head: readonly string[];
  /** Lines between the rows; none where the host says nothing. */
  readonly message: readonly string[];
  readonly errorCode: number | null;
  readonly address: Address | null;
}

function describe(hv: Hypervisor, cause: PanicCause): Description {
  switch (cause.kind) {
    case 'fault':
      return describeFault(hv, cause.fault);
    case 'bug': {
      const text = `Xen BUG at ${cause.file}:${cause.line ?? '?'}`;
      return { head: [text, ...state(hv), ...trace(hv)], message: [text], errorCode: null, address: null };
    }
    case 'trap': {
      const head = [...state(hv), ...trace(hv)];
      return { head, message: [cause.name, '[error_code=0000]'], errorCode: 0, address: null };
    }
    case 'panic':
      return { head: [], message: [cause.text], errorCode: null, address: null };
    case 'reset':
      return { head: [], message: [], errorCode: null, address: null };
  }
}

function describeFault(hv: Hypervisor, fault: Fault): Description {
  if (fault.kind === 'general-protection') {
    const head = [...state(hv), ...trace(hv)];
    return { head, message: ['GENERAL PROTECTION FAULT', '[error_code=0000]'], errorCode: 0, address: null };
  }
  const { address, errorCode } = fault;
  return {
    head: [...state(hv), ...trace(hv), '', ...pageTableWalk(hv.machine.space, address)],
    message: [
      'FATAL PAGE FAULT',
      `[error_code=${errorCode.toString(16).padStart(4, '0')}]`,
      `Faulting linear address: ${pointerText(address)}`,
    ],
    errorCode,
    address,
  };
}

function state(hv: Hypervisor): string[] {
  const { arch, image, release, options } = hv;
  // Under another release's rules the image is no longer the version that it says.
  const version = image.release?.release === release ? image.version : release.version;
  const debug = options.debugBuild ? 'y' : 'n';
  return [
    `----[ Xen-${version}  ${arch.name}  debug=${debug}  Not tainted ]----`,
    'CPU:    0',
    `${arch.instructionPointer}:    e008:${place(frames(hv)[0])}`,
    '[...]',
  ];
}

function trace(hv: Hypervisor): string[] {
  const [first, ...rest] = frames(hv);
  return ['Xen call trace:', `   ${place(first)} R`, ...rest.map((frame) => `   ${place(frame)} F`)].map((line) =>
    line.replace(/^ {3}(\[<.*?>\]) (.*) ([RF])$/, '   $1 $3 $2'),
  );
}

interface Frame {
  readonly name: string;
  readonly size: number | undefined;
}

/** Files in which the functions are static: their names in the symbol table carry the file. */
const FILES = [
  'common/livepatch.c',
  'common/livepatch_elf.c',
  'arch/x86/alternative.c',
  'arch/x86/domain.c',
  'livepatch.c',
  'alternative.c',
  'domain.c',
];

/** The functions that were being carried out, innermost first, as far as the compiler left them functions of their own. */
function frames(hv: Hypervisor): Frame[] {
  const found: Frame[] = [];
  for (const name of [...hv.frames].reverse()) {
    const known = [name, ...FILES.map((file) => `${file}#${name}`)].find((each) => hv.symbols.byName(each) !== 0n);
    if (known !== undefined) found.push({ name: known, size: hv.symbols.at(hv.symbols.byName(known))?.size });
  }
  return found;
}

const place = (frame: Frame | undefined): string =>
  frame === undefined ? '[<?>] ?' : `[<?>] ${frame.name}+?/${frame.size === undefined ? '?' : `0x${frame.size.toString(16)}`}`;
