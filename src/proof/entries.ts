import type { Disassembler } from '../arch/index.ts';
import { branchTarget } from '../arch/index.ts';
import { type Finding, finding } from '../base/index.ts';
import type { RuleId } from '../catalogue/index.ts';
import type { PayloadFile, PayloadFunction, PayloadPointer } from '../payload/index.ts';
import { type Host, type HostPlace, placeOf } from './host.ts';

/** What `.livepatch.funcs` replaces, and what is wrong with it. */
export interface Replacements {
  /** New code by the start of the old function. */
  readonly redirects: ReadonlyMap<HostPlace, HostPlace>;
  readonly names: ReadonlyMap<HostPlace, string>;
  readonly findings: readonly Finding[];
}

/** Reads the replaced functions and checks that Xen's jump can stand at the start of each. Source: arch_livepatch_verify_func, arch_livepatch_apply. */
export function replacementsOf(payload: PayloadFile, host: Host, disassembler: Disassembler): Replacements {
  const redirects = new Map<HostPlace, HostPlace>();
  const names = new Map<HostPlace, string>();
  const findings: Finding[] = [];
  const jumps: { start: HostPlace; from: HostPlace; to: HostPlace; name: string; size: number }[] = [];
  const section = payload.functions;
  for (const entry of section?.entries ?? []) {
    const name = entry.name ?? `entry ${entry.index}`;
    const tell = (message: string, rule: RuleId = 'proof-entry'): void => {
      findings.push(
        finding(rule, {
          message: `${name}: ${message}`,
          where: { section: '.livepatch.funcs', offset: entry.offset, symbol: name },
        }),
      );
    };
    const old = oldPlace(entry, host);
    const fresh = newPlace(entry.newAddr);
    if (old === undefined) tell('the hypervisor has no function of that name');
    else if (fresh === undefined || entry.newSize === 0) tell('the entry does not lead to code of the payload');
    else if (redirects.has(old)) tell('is replaced twice');
    else {
      redirects.set(old, fresh);
      names.set(old, name);
      const size = host.sizeAt(name.slice(name.indexOf('#') + 1), old);
      const { arch } = host.image;
      if (size !== entry.oldSize) {
        tell(`old_size is ${entry.oldSize}, and the function has ${size ?? 'an unknown number of'} bytes on the host`);
        continue;
      }
      const start = host.bytes(old, Math.min(arch.entrySize, size)) ?? new Uint8Array(0);
      const skipped = arch.patchOffset(start, host.release);
      if (size < skipped + arch.patchInsnSize) tell(`its ${size} bytes have no room for the jump`);
      const at = old + BigInt(skipped);
      jumps.push({ start: old, from: at + 1n, to: at + BigInt(arch.patchInsnSize), name, size });
    }
  }
  findings.push(...branchesInto(host, disassembler, jumps));
  return { redirects, names, findings };
}

function oldPlace({ oldAddr, name }: PayloadFunction, host: Host): HostPlace | undefined {
  if (oldAddr.kind === 'null') return name === undefined ? undefined : host.resolve(name);
  if (oldAddr.kind === 'absolute') return oldAddr.address;
  if (oldAddr.kind !== 'undefined') return undefined;
  const address = host.resolve(oldAddr.symbol);
  return address === undefined ? undefined : address + oldAddr.addend;
}

const newPlace = (pointer: PayloadPointer): HostPlace | undefined =>
  pointer.kind === 'section' && pointer.offset >= 0 ? placeOf(pointer.section, pointer.offset) : undefined;

/** Branches of the host, outside of the replaced functions, into bytes that a jump overwrites. */
function branchesInto(
  host: Host,
  disassembler: Disassembler,
  jumps: readonly { start: HostPlace; from: HostPlace; to: HostPlace; name: string; size: number }[],
): Finding[] {
  const { arch, core } = host.image;
  if (arch.code === undefined || jumps.length === 0) return [];
  const text = host.image.bytes(core.textStart, Number(core.textEnd - core.textStart));
  const ranges = jumps.map(({ from, to }) => ({
    start: Number(from - core.textStart),
    end: Number(to - core.textStart),
  }));
  const findings: Finding[] = [];
  for (const { at, target } of arch.code.branchesTo(text, ranges)) {
    const address = core.textStart + BigInt(at);
    if (jumps.some(({ start, size }) => address >= start && address < start + BigInt(size))) continue;
    const symbol = host.image.symbolsFor(host.release).at(address);
    if (symbol === undefined) continue;
    const code = text.subarray(at - symbol.at, at + 16);
    const real = disassembler
      .disassemble(arch.name, code, at - symbol.at)
      .some((instruction) => instruction.offset === symbol.at && branchTarget(instruction)?.place === target);
    const jump = jumps[ranges.findIndex(({ start, end }) => target >= start && target < end)];
    if (!real || jump === undefined) continue;
    const message = `${jump.name}: ${symbol.name} branches into the bytes that the jump overwrites`;
    findings.push(finding('proof-entry', { message, where: { symbol: symbol.name, address } }));
  }
  return findings;
}
