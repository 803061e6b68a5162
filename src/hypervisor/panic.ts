import { type Address, pointerText } from '../base/index.ts';
import { Console, type Fault, pageTableWalk } from '../machine/index.ts';
import type { HostPanic } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { StopCause } from './stop.ts';

/**
 * Panic screens in Xen's form. What only a real run knows is marked: registers and stack are `[...]`, and an offset in a function is `?`.
 * Sources: xen/arch/x86/traps.c (show_execution_state, fatal_trap), common/console panic(), arch/x86/x86_64/traps.c.
 */

type PanicCause = Exclude<StopCause, { kind: 'hook' }>;

export function hostPanic(hv: Hypervisor, cause: PanicCause): HostPanic {
  const { head, message, errorCode, address } = describe(hv, cause);
  const title = message[0]?.slice(0, BUFFER_SIZE - 1) ?? `reset: ${(cause as { why?: string }).why ?? ''}`;
  return { message: title, errorCode, address, screen: screen(hv, head, message) };
}

const STARS = '*'.repeat(40);

/** `buf` of panic(), its NUL included. */
const BUFFER_SIZE = 128;

/**
 * What of it is to be seen. State and page walk have the default level, so that `loglvl` may hide them; panic() calls console_start_sync
 * before it prints its box, which shows whatever is set. A text that fills the buffer loses its newline.
 */
function screen(hv: Hypervisor, head: readonly string[], message: readonly string[]): string[] {
  const { clock, console } = hv.machine;
  const { thresholds } = console;
  const shown = new Console(clock, { thresholds, defaultLevel: hv.release.defaultLogLevel });
  for (const line of head) shown.printk('DEFAULT', line);
  if (message.length > 0) {
    shown.startSync();
    shown.print(`\n${STARS}\n`);
    shown.print('Panic on CPU 0:\n');
    shown.print(`${message.join('\n')}\n`.slice(0, BUFFER_SIZE - 1));
    shown.print(`${STARS}\n\n`);
    shown.print('Reboot in five seconds...\n');
  }
  return shown.take();
}

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
    case 'assertion': {
      const text = `Assertion '${cause.condition}' failed at ${cause.file}:${cause.line ?? '?'}`;
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
    head: [...state(hv), ...trace(hv), ...pageTableWalk(hv.machine.space, address)],
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
    `${arch.instructionPointer}:    e008:${instructionPointer(hv)}`,
    '[...]',
  ];
}

/** Where the CPU was: at a known address where the fault was the fetch itself, else somewhere in a known function. */
function instructionPointer(hv: Hypervisor): string {
  const astray = strayAddress(hv);
  return astray === undefined ? `[<?>] ${place(frames(hv)[0])}` : `[<${astray}>] ${astray}`;
}

/** `hooks.ts` names a frame by its address that is code of no function it knows. */
const strayAddress = (hv: Hypervisor): string | undefined => {
  const last = hv.frames[hv.frames.length - 1] ?? '';
  return /^[0-9a-f]{16}$/.test(last) ? last : undefined;
};

/**
 * The call trace and the empty line behind it. The first frame is the instruction pointer's (`R`), where that is in a function; those below are
 * certain with frame pointers (`F`), and else what the stack looks like (`S`). Source: arch/x86/traps.c, show_trace.
 */
function trace(hv: Hypervisor): string[] {
  const { image, options } = hv;
  const below = options.debugBuild || image.configured('CONFIG_FRAME_POINTER') ? 'F' : 'S';
  const first = strayAddress(hv) === undefined ? 'R' : below;
  const lines = frames(hv).map((frame, i) => `   [<?>] ${i === 0 ? first : below} ${place(frame)}`);
  return ['Xen call trace:', ...(lines.length === 0 ? ['   [<?>] R ?'] : lines), ''];
}

interface Frame {
  readonly name: string;
  readonly size: number | undefined;
}

/** Files in which the functions are static: their names in the symbol table carry the file. */
const FILES = [
  'common/livepatch.c',
  'common/livepatch_elf.c',
  'common/vmap.c',
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
  frame === undefined ? '?' : `${frame.name}+?/${frame.size === undefined ? '?' : `0x${frame.size.toString(16)}`}`;
