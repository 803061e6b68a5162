import { type Address, addOffset, cString, viewOf } from '../base/index.ts';
import type { AddressRange, BugFrameType } from '../xen/index.ts';
import type { Hypervisor } from './hypervisor.ts';

/** Longest file name or condition read. */
const TEXT_LIMIT = 256;

/** Yields the image's own frames of one kind with their addresses. The image's release determines the section. */
function* imageFrames(hv: Hypervisor, type: BugFrameType) {
  const { image, arch } = hv;
  const number = arch.bugFrames.types(image.release?.release ?? hv.release).indexOf(type);
  const range: AddressRange | undefined = image.trapTables.bugFrames[number];
  if (range === undefined) return;
  const frames = image.bytes(range.start, Number(range.end - range.start));
  const view = viewOf(frames);
  const size = arch.bugFrames.entrySize(type);
  for (let at = 0; at + size <= frames.length; at += size) {
    const { loc, pointer, message, line } = arch.bugFrames.decode(view, at, type);
    const place = (displacement: number): Address => addOffset(range.start, at + displacement);
    const text = (displacement: number | null): string =>
      displacement === null ? '' : cString(image.bytes(place(displacement), TEXT_LIMIT), 0);
    yield { loc: place(loc), file: text(pointer), condition: text(message), line };
  }
}

/** Returns the ascending lines of BUG()s in one source file, inside one function or in all of it, from the image's own bug frames. */
export function bugLines(hv: Hypervisor, functionName: string | null, file: string): number[] {
  const { symbols } = hv;
  const start = functionName === null ? 0n : symbols.byName(functionName);
  if (functionName !== null && start === 0n) return [];
  const end = addOffset(start, symbols.at(start)?.size ?? 0);
  const lines = new Set<number>();
  for (const frame of imageFrames(hv, 'bug')) {
    if (functionName !== null && (frame.loc < start || frame.loc >= end)) continue;
    if (frame.file === file) lines.add(frame.line);
  }
  return [...lines].sort((a, b) => a - b);
}

/** Returns the line of the first ASSERT with this condition in one source file. Only debug builds have any. */
export function assertionLine(hv: Hypervisor, condition: string, file: string): number | undefined {
  for (const frame of imageFrames(hv, 'assert')) {
    if (frame.condition === condition && frame.file === file) return frame.line;
  }
  return undefined;
}
