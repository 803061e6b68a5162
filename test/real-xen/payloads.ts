/*
 * Builds live patch payloads out of data, with plain gcc/as/ld: no Xen source tree needed.
 *
 * The base is assembler, not C, so that the file hardly depends on the compiler's version; a spec can
 * add C where a compiler's own output (section flags, alignment, relocations) is the point.
 * Everything is built under fixed relative names in a scratch folder: no path gets into the file and
 * the same tools make the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensure } from '../../src/base/index.ts';
import { Elf, type XenSyms } from './elf.ts';

/** A number, or one that depends on the hypervisor: size or address of a symbol, plus an offset. */
export type Num = number | { sizeof: string; plus?: number } | { addr: string; plus?: number } | { hex: string };

export interface FuncSpec {
  /** Default xen_extra_version; null: NULL pointer; {hex}: that pointer value. */
  name?: string | null | { hex: string };
  /** Symbol of the payload; null: NOP patch (NULL); {hex}/{addr}: that address. Default: the spec's own function. */
  new?: string | null | Num;
  /** 0 (default): looked up by name; a string: relocation against that hypervisor symbol. */
  old?: string | Num;
  newSize?: Num;
  oldSize?: Num;
  version?: number;
  expect?: { enabled?: 0 | 1; len: number; rsv?: number; data?: string | { of: string } };
  /** The 39 bytes after `version`, for what older layouts kept there. */
  pad?: string;
}

/** hex: that id; 'xen': the hypervisor's; '@key': the id of the payload of that key. null: leave the section out. */
export type IdRef = string | null;

type EditValue =
  | number
  | string
  | { old: true; plus?: number; xor?: number }
  | { fileSize: true; plus?: number }
  | { shnum: true; plus?: number }
  | { sectionIndex: string }
  | { symIndex: string }
  | { sectionSize: string; plus?: number };

export type Edit =
  | {
      ehdr:
        | 'type'
        | 'machine'
        | 'version'
        | 'entry'
        | 'phoff'
        | 'shoff'
        | 'flags'
        | 'ehsize'
        | 'phentsize'
        | 'phnum'
        | 'shentsize'
        | 'shnum'
        | 'shstrndx';
      value: EditValue;
    }
  | { ident: number; value: number }
  | {
      section: string | number;
      nth?: number;
      field: 'name' | 'type' | 'flags' | 'addr' | 'offset' | 'size' | 'link' | 'info' | 'addralign' | 'entsize';
      value: EditValue;
    }
  | { rename: string; nth?: number; to: string } // same or shorter length; the bytes of .shstrtab are edited
  | { symbol: string | number; field: 'name' | 'info' | 'other' | 'shndx' | 'value' | 'size'; value: EditValue }
  | { rela: string; entry: number; field: 'offset' | 'type' | 'sym' | 'addend'; value: EditValue }
  | { bytes: string; nth?: number; at: number; hex: string } // contents of a section; negative: from its end
  | { file: number; hex: string }
  | { truncate: number }
  | { append: number }
  | { growTo: number };

export interface PayloadSpec {
  funcs?: FuncSpec[];
  /** Section flags of .livepatch.funcs; '' is non-ALLOC. */
  funcsFlags?: string;
  /** false: the default function isn't emitted. */
  code?: boolean;
  /** Name of the default function's symbol and the string it returns. */
  symbol?: string;
  text?: string;
  /** Alignment directives etc. are up to these. */
  asm?: string;
  c?: string;
  cflags?: string[];
  /** Hook sections: pointers to symbols of the payload, null for a NULL entry. */
  hooks?: { [kind: string]: (string | null)[] };
  hookFlags?: string;
  modinfo?: string;
  depends?: IdRef;
  xenDepends?: IdRef;
  /** Default: ld's sha1 of the contents. A hex string: that id. */
  buildId?: string | null;
  edits?: Edit[];
  /** Instead of all this: the bytes themselves. */
  raw?: string;
  /** Starts from another payload's finished file (edits apply to it). */
  from?: string;
}

export interface BuildContext {
  xen: XenSyms;
  /** Scratch folder; contents are thrown away. */
  scratch: string;
  /** Ids of already built payloads, by key. */
  buildIds: Map<string, string>;
  /** Already built files, by key, for `from`. */
  files?: Map<string, Uint8Array>;
}

function num(n: Num, ctx: BuildContext): bigint {
  if (typeof n === 'number') return BigInt(n);
  if ('hex' in n) return BigInt(`0x${n.hex}`);
  if ('sizeof' in n) return BigInt(ctx.xen.get(n.sizeof).size + (n.plus ?? 0));
  return ctx.xen.get(n.addr).address + BigInt(n.plus ?? 0);
}
const hexNum = (n: Num, ctx: BuildContext): string => `0x${BigInt.asUintN(64, num(n, ctx)).toString(16)}`;
const byteList = (hex: string): string =>
  [...Buffer.from(hex, 'hex')].map((b) => `0x${b.toString(16).padStart(2, '0')}`).join(',');
const quoted = (symbol: string): string => (/^[\w.$]+$/.test(symbol) ? symbol : `"${symbol}"`);

function resolveId(ref: string, ctx: BuildContext): string {
  if (ref === 'xen') return ctx.xen.buildId;
  if (!ref.startsWith('@')) return ref;
  const id = ctx.buildIds.get(ref.slice(1));
  if (id === undefined) throw new Error(`payload ${ref.slice(1)} isn't built yet`);
  return id;
}

function note(section: string, id: string): string {
  return `.section ${section},"a",@note\n.balign 4\n.long 4,${id.length / 2},3\n.asciz "GNU"\n${id ? `.byte ${byteList(id)}\n` : ''}`;
}

function assembler(spec: PayloadSpec, ctx: BuildContext): string {
  const { symbol = 'lp_new_fn', text = '-LIVEPATCHED', code = true } = spec;
  let s = '.file "payload.s"\n';
  if (code)
    s +=
      `.text\n.balign 16\n.globl ${quoted(symbol)}\n.type ${quoted(symbol)},@function\n${quoted(symbol)}:\n\tleaq .Ltext(%rip),%rax\n\tret\n.size ${quoted(symbol)},.-${quoted(symbol)}\n` +
      `.section .rodata.str1.1,"aMS",@progbits,1\n.Ltext:\t.asciz "${text}"\n`;
  const funcs = spec.funcs ?? [{}];
  if (funcs.length) {
    let strings = '';
    s += `.section .livepatch.funcs,"${spec.funcsFlags ?? 'a'}",@progbits\n.balign 8\n`;
    funcs.forEach((f, i) => {
      const { name = 'xen_extra_version', old = 0, version = 2 } = f;
      const target = f.new === undefined ? symbol : f.new;
      if (typeof name === 'string') strings += `.Lname${i}:\t.asciz "${name}"\n`;
      s += `.quad ${name === null ? 0 : typeof name === 'string' ? `.Lname${i}` : `0x${name.hex}`}\n`;
      s += `.quad ${target === null ? 0 : typeof target === 'string' ? quoted(target) : hexNum(target, ctx)}\n`;
      s += `.quad ${typeof old === 'string' ? quoted(old) : hexNum(old, ctx)}\n`;
      const size = typeof name === 'string' && ctx.xen.byName.has(name) ? ctx.xen.get(name).size : 12;
      s += `.long ${f.newSize === undefined ? 8 : num(f.newSize, ctx)}\n.long ${f.oldSize === undefined ? size : num(f.oldSize, ctx)}\n.byte ${version}\n`;
      s += `.byte ${byteList((f.pad ?? '').padEnd(78, '0'))}\n`;
      const e = f.expect;
      const data =
        e?.data === undefined
          ? ''
          : typeof e.data === 'string'
            ? e.data
            : Buffer.from(ctx.xen.bytesAt(e.data.of, 0, e.len)).toString('hex');
      s += `.byte ${byteList(((e ? (e.enabled ?? 1) | (e.len << 1) | ((e.rsv ?? 0) << 6) : 0).toString(16).padStart(2, '0') + data).padEnd(64, '0'))}\n`;
    });
    if (strings) s += `.section .rodata.str1.1,"aMS",@progbits,1\n${strings}`;
  }
  for (const [kind, symbols] of Object.entries(spec.hooks ?? {}))
    s +=
      `.section .livepatch.hooks.${kind},"${spec.hookFlags ?? 'a'}",@progbits\n.balign 8\n` +
      symbols.map((x) => `.quad ${x === null ? 0 : quoted(x)}\n`).join('');
  if (spec.modinfo !== undefined)
    s += `.section .modinfo,"a",@progbits\n.byte ${byteList(Buffer.from(spec.modinfo, 'latin1').toString('hex'))}\n`;
  if (spec.asm) s += `${spec.asm.trim()}\n`;
  const { depends = 'xen', xenDepends = 'xen' } = spec;
  if (depends !== null) s += note('.livepatch.depends', resolveId(depends, ctx));
  if (xenDepends !== null) s += note('.livepatch.xen_depends', resolveId(xenDepends, ctx));
  return `${s}.section .note.GNU-stack,"",@progbits\n`;
}

/** Flags without which gcc emits what the loader doesn't take (other relocations, .eh_frame, .note.gnu.property). */
const CFLAGS =
  '-O2 -ffreestanding -fpic -fvisibility=hidden -fno-stack-protector -fcf-protection=none -mno-red-zone -mno-sse -fno-asynchronous-unwind-tables -fno-ident -Wa,-mx86-used-note=no'.split(
    ' ',
  );

export function buildPayload(spec: PayloadSpec, ctx: BuildContext): Uint8Array {
  if (spec.raw !== undefined) return applyEdits(Buffer.from(spec.raw, 'hex'), spec.edits ?? []);
  if (spec.from !== undefined)
    return applyEdits(
      Buffer.from(ensure(ctx.files?.get(spec.from), `payload ${spec.from} isn't built yet`)),
      spec.edits ?? [],
    );
  const dir = join(ctx.scratch, 'payload');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const run = (tool: string, args: string[]) =>
    execFileSync(tool, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  writeFileSync(join(dir, 'payload.s'), assembler(spec, ctx), 'latin1');
  run('as', ['--64', '-mx86-used-note=no', '-o', 'payload.o', 'payload.s']);
  const objects = ['payload.o'];
  if (spec.c !== undefined) {
    writeFileSync(join(dir, 'code.c'), spec.c);
    run('gcc', [...CFLAGS, ...(spec.cflags ?? []), '-c', '-o', 'code.o', 'code.c']);
    objects.unshift('code.o');
  }
  const id = spec.buildId === undefined ? 'sha1' : spec.buildId === null ? 'none' : `0x${resolveId(spec.buildId, ctx)}`;
  run('ld', ['-r', `--build-id=${id}`, '-o', 'payload', ...objects]);
  return applyEdits(readFileSync(join(dir, 'payload')), spec.edits ?? []);
}

const EHDR = {
  type: [16, 2],
  machine: [18, 2],
  version: [20, 4],
  entry: [24, 8],
  phoff: [32, 8],
  shoff: [40, 8],
  flags: [48, 4],
  ehsize: [52, 2],
  phentsize: [54, 2],
  phnum: [56, 2],
  shentsize: [58, 2],
  shnum: [60, 2],
  shstrndx: [62, 2],
} as const;
const SHDR = {
  name: [0, 4],
  type: [4, 4],
  flags: [8, 8],
  addr: [16, 8],
  offset: [24, 8],
  size: [32, 8],
  link: [40, 4],
  info: [44, 4],
  addralign: [48, 8],
  entsize: [56, 8],
} as const;
const SYM = { name: [0, 4], info: [4, 1], other: [5, 1], shndx: [6, 2], value: [8, 8], size: [16, 8] } as const;

/** Each edit is made on the file the previous ones left; section and symbol names are those before any edit. */
export function applyEdits(original: Uint8Array, edits: Edit[]): Uint8Array {
  let file = Buffer.from(original);
  if (!edits.length) return file;
  let elf: Elf | undefined;
  const e = () => (elf ??= new Elf(Buffer.from(original)));
  const put = (at: number, width: number, value: EditValue) => {
    const get = () => (width === 8 ? file.readBigUInt64LE(at) : BigInt(file.readUIntLE(at, width)));
    let v: bigint;
    if (typeof value === 'number') v = BigInt(value);
    else if (typeof value === 'string') v = BigInt(value);
    else if ('old' in value) v = (get() + BigInt(value.plus ?? 0)) ^ BigInt(value.xor ?? 0);
    else if ('fileSize' in value) v = BigInt(file.length + (value.plus ?? 0));
    else if ('shnum' in value) v = BigInt(e().sections.length + (value.plus ?? 0));
    else if ('sectionIndex' in value) v = BigInt(e().section(value.sectionIndex).index);
    else if ('sectionSize' in value) v = BigInt(e().section(value.sectionSize).size + (value.plus ?? 0));
    else
      v = BigInt(
        ensure(
          e()
            .symbols()
            .find((s) => s.name === value.symIndex),
          `no symbol ${value.symIndex}`,
        ).index,
      );
    v = BigInt.asUintN(width * 8, v);
    if (width === 8) file.writeBigUInt64LE(v, at);
    else file.writeUIntLE(Number(v), at, width);
  };
  const sectionOf = (name: string | number, nth?: number) =>
    typeof name === 'number' ? ensure(e().sections[name], `no section ${name}`) : e().section(name, nth);
  for (const d of edits) {
    if ('ehdr' in d) put(EHDR[d.ehdr][0], EHDR[d.ehdr][1], d.value);
    else if ('ident' in d) put(d.ident, 1, d.value);
    else if ('section' in d) put(sectionOf(d.section, d.nth).header + SHDR[d.field][0], SHDR[d.field][1], d.value);
    else if ('rename' in d) {
      const s = sectionOf(d.rename, d.nth);
      if (d.to.length > s.name.length) throw new Error('new name is longer');
      const at = ensure(e().sections[file.readUInt16LE(62)], 'no section names').offset + file.readUInt32LE(s.header);
      file.write(`${d.to}\0`, at, 'latin1');
    } else if ('symbol' in d) {
      const s =
        typeof d.symbol === 'number'
          ? e().symbols()[d.symbol]
          : e()
              .symbols()
              .find((x) => x.name === d.symbol);
      if (!s) throw new Error(`no symbol ${d.symbol}`);
      put(s.at + SYM[d.field][0], SYM[d.field][1], d.value);
    } else if ('rela' in d) {
      const at = sectionOf(d.rela).offset + 24 * d.entry;
      put(
        at + { offset: 0, type: 8, sym: 12, addend: 16 }[d.field],
        d.field === 'type' || d.field === 'sym' ? 4 : 8,
        d.value,
      );
    } else if ('bytes' in d) {
      const s = sectionOf(d.bytes, d.nth);
      Buffer.from(d.hex, 'hex').copy(file, s.offset + (d.at < 0 ? s.size + d.at : d.at));
    } else if ('file' in d) Buffer.from(d.hex, 'hex').copy(file, d.file);
    else if ('truncate' in d) file = file.subarray(0, d.truncate < 0 ? file.length + d.truncate : d.truncate);
    else if ('append' in d) file = Buffer.concat([file, Buffer.alloc(d.append)]);
    else file = Buffer.concat([file, Buffer.alloc(Math.max(0, d.growTo - file.length))]);
  }
  return file;
}
