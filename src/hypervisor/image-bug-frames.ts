import { addOffset, cString, viewOf } from '../base/index.ts';
import { decodeX86BugFrame, X86_ASSERT_SUFFIX, X86_BUG_FRAME } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';

/** Longest file name or condition that is read. */
const TEXT_LIMIT = 256;

/** Line numbers of the BUG()s of one source file inside one function, ascending: the image's own bug frames say. */
export function bugLines(hv: Hypervisor, functionName: string, file: string): number[] {
  const { image, symbols } = hv;
  const start = symbols.byName(functionName);
  const from = image.linker('__stop_bug_frames_1');
  const to = image.linker('__stop_bug_frames_2');
  if (start === 0n || from === undefined || to === undefined) return [];
  const end = addOffset(start, symbols.at(start)?.size ?? 0);
  const frames = image.bytes(from, Number(to - from));
  const view = viewOf(frames);
  const lines: number[] = [];
  for (let at = 0; at + X86_BUG_FRAME.size <= frames.length; at += X86_BUG_FRAME.size) {
    const frame = decodeX86BugFrame(view, at);
    const loc = addOffset(from, at + frame.locDisp);
    if (loc < start || loc >= end) continue;
    if (cString(image.bytes(addOffset(from, at + frame.ptrDisp), TEXT_LIMIT), 0) === file) lines.push(frame.line);
  }
  return lines.sort((a, b) => a - b);
}

/** Line number of the first ASSERT of this condition in one source file; only debug builds have any. */
export function assertionLine(hv: Hypervisor, condition: string, file: string): number | undefined {
  const { image } = hv;
  const from = image.linker('__stop_bug_frames_2');
  const to = image.linker('__stop_bug_frames_3');
  if (from === undefined || to === undefined) return undefined;
  const frames = image.bytes(from, Number(to - from));
  const view = viewOf(frames);
  const size = X86_BUG_FRAME.size + X86_ASSERT_SUFFIX.size;
  const text = (at: number): string => cString(image.bytes(addOffset(from, at), TEXT_LIMIT), 0);
  for (let at = 0; at + size <= frames.length; at += size) {
    const frame = decodeX86BugFrame(view, at);
    const { msg_disp } = X86_ASSERT_SUFFIX.read(view, at + X86_BUG_FRAME.size);
    if (text(at + msg_disp) === condition && text(at + frame.ptrDisp) === file) return frame.line;
  }
  return undefined;
}
