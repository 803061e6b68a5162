import type { TracePlace } from '../arch/index.ts';
import { type Address, assert } from '../base/index.ts';
import { Console, type Fault } from '../machine/index.ts';
import { type HostPanic, PAGE_SIZE } from '../xen/index.ts';
import { callFrames, framePlace } from './call-frames.ts';
import { executionState } from './execution-state.ts';
import type { Hypervisor } from './hypervisor.ts';
import type { StopCause } from './stop.ts';

/**
 * Panic screens in Xen's form and the architecture's own words. What only a real run knows is marked: registers and stack are `[...]`, and an
 * offset in a function is `?`. Sources: panic() in xen/drivers/char/console.c, and those cited with the words.
 */

type PanicCause = Exclude<StopCause, { kind: 'hook' }>;

export function hostPanic(hv: Hypervisor, cause: PanicCause): HostPanic {
  const { head, message, errorCode, address } = describe(hv, cause);
  const title = message.split('\n', 1)[0]?.slice(0, BUFFER_SIZE - 1) ?? '';
  const silent = `${cause.kind}: ${(cause as { why?: string }).why ?? ''}`;
  return { message: message === '' ? silent : title, errorCode, address, screen: screen(hv, head, message) };
}

const STARS = '*'.repeat(40);

/** Size of `buf` in panic(), including the NUL. */
const BUFFER_SIZE = 128;

/**
 * Returns the visible part of the screen. State and page walk have the default level, so `loglvl` may hide them; panic() calls
 * console_start_sync before it prints its box, which is always visible. A text that fills the buffer loses its newline.
 */
function screen(hv: Hypervisor, head: readonly string[], message: string): string[] {
  const { clock, console } = hv.machine;
  const { thresholds } = console;
  const shown = new Console(clock, { thresholds, defaultLevel: hv.release.defaultLogLevel });
  for (const line of head) shown.printk('DEFAULT', line);
  if (message !== '') {
    shown.startSync();
    shown.print(`\n${STARS}\n`);
    shown.print(`Panic on CPU ${hv.trapped?.cpu ?? 0}:\n`);
    shown.print(message.slice(0, BUFFER_SIZE - 1));
    shown.print(`${STARS}\n\n`);
    shown.print('Reboot in five seconds...\n');
  }
  return shown.take();
}

interface Description {
  /** Lines above the first row of asterisks. */
  readonly head: readonly string[];
  /** The argument of panic(); empty if the host prints nothing. */
  readonly message: string;
  readonly errorCode: number | null;
  readonly address: Address | null;
}

const NO_FAULT = { errorCode: null, address: null } as const;

/** A cause for which the host prints nothing. */
const SILENT: Description = { head: [], message: '', ...NO_FAULT };

function describe(hv: Hypervisor, cause: PanicCause): Description {
  switch (cause.kind) {
    case 'fault':
      return describeFault(hv, cause.fault);
    case 'bug': {
      const text = `Xen BUG at ${cause.file}:${cause.line ?? '?'}`;
      return { head: [text, ...stateAndTrace(hv)], message: `${text}\n`, ...NO_FAULT };
    }
    case 'assertion': {
      const text = `Assertion '${cause.condition}' failed at ${cause.file}:${cause.line ?? '?'}`;
      return { head: [text, ...stateAndTrace(hv)], message: `${text}\n`, ...NO_FAULT };
    }
    case 'trap':
      return { head: stateAndTrace(hv), message: `${cause.text}\n[error_code=0000]\n`, errorCode: 0, address: null };
    case 'fatal':
      return { head: [...cause.head, ...stateAndTrace(hv)], message: `${cause.text}\n`, ...NO_FAULT };
    case 'double-fault':
      return { head: doubleFaultScreen(hv, cause), message: `${cause.with.text}\n`, ...NO_FAULT };
    case 'panic':
      return { head: [], message: cause.text, ...NO_FAULT };
    case 'hang':
    case 'corruption':
    case 'reset':
      return SILENT;
  }
}

/** show_execution_state: exact for running code; for the simulated hypervisor, what is known of it. */
function stateAndTrace(hv: Hypervisor): string[] {
  if (hv.trapped !== null) return executionState(hv, hv.trapped);
  return state(hv);
}

/** Omits the vCPU, because this is not the code's stack. */
function doubleFaultScreen(hv: Hypervisor, { with: words, stack }: PanicCause & { kind: 'double-fault' }): string[] {
  const { trapped } = hv;
  assert(trapped !== null, 'code was run when its stack was used up');
  const stackPointer = trapped.registers.get(hv.arch.execution.calls.stackPointer) ?? 0n;
  return words.screen(executionState(hv, { ...trapped, vcpu: undefined }), stackPointer, stack);
}

function describeFault(hv: Hypervisor, fault: Fault): Description {
  if (fault.kind === 'general-protection') {
    const message = 'GENERAL PROTECTION FAULT\n[error_code=0000]\n';
    return { head: stateAndTrace(hv), message, errorCode: 0, address: null };
  }
  const { address, errorCode } = fault;
  const { space } = hv.machine;
  const screen = hv.arch.panic.pageFault({
    address,
    errorCode,
    walk: space.walk(address),
    root: space.rootFrame * PAGE_SIZE,
    cpu: hv.trapped?.cpu ?? 0,
    state: stateAndTrace(hv),
  });
  return { ...screen, errorCode, address };
}

/** Returns the banner and the known state of a CPU whose registers are unknown. */
function state(hv: Hypervisor): string[] {
  const { arch, image, release, options } = hv;
  // Under another release's rules the image is no longer its own version.
  const version = image.release?.release === release ? image.version : release.version;
  const debug = options.debugBuild ? 'y' : 'n';
  const certain = options.debugBuild || image.configured('CONFIG_FRAME_POINTER');
  const banner = `----[ Xen-${version}  ${arch.name}  debug=${debug}  ${arch.panic.tainted(options.processor)} ]----`;
  return [banner, ...arch.panic.state(tracePlaces(hv), certain)];
}

/** Returns the active functions, innermost first. `hooks.ts` names a frame by its address if the code belongs to no known function. */
function tracePlaces(hv: Hypervisor): TracePlace[] {
  const last = hv.frames[hv.frames.length - 1] ?? '';
  const known = callFrames(hv).map((frame) => ({ text: framePlace(frame), address: null }));
  return STRAY.test(last) ? [{ text: last, address: last }, ...known] : known;
}

/** Matches an address with all its digits. */
const STRAY = /^(?:[0-9a-f]{8}){1,2}$/;
