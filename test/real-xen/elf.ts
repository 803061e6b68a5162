import { ensure } from '../../src/base/index.ts';

/*
 * Deliberately not the reader of src/elf: what is compared with the simulator should not depend on its code.
 *
 * Just enough ELF64 little endian to look things up in a file and to change single fields,
 * so that a malformed payload is a good one with one changed field.
 */

export interface Section {
  index: number;
  name: string;
  header: number; // file offset of the section header
  type: number;
  flags: number;
  addr: bigint;
  offset: number;
  size: number;
  link: number;
  info: number;
  align: number;
  entsize: number;
}
export interface Sym {
  index: number;
  at: number; // file offset of the entry
  name: string;
  value: bigint;
  size: number;
  info: number;
  shndx: number;
  /** Name of the FILE symbol in force, for local symbols. */
  file: string;
}

const cstr = (b: Uint8Array, at: number): string => {
  let e = at;
  while (e < b.length && b[e]) e++;
  return Buffer.from(b.subarray(at, e)).toString('latin1');
};

export class Elf {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly sections: Section[] = [];
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const v = this.view;
    const shoff = Number(v.getBigUint64(40, true));
    const shnum = v.getUint16(60, true);
    for (let i = 0; i < shnum; i++) {
      const h = shoff + i * 64;
      this.sections.push({
        index: i,
        name: String(v.getUint32(h, true)),
        header: h,
        type: v.getUint32(h + 4, true),
        flags: Number(v.getBigUint64(h + 8, true)),
        addr: v.getBigUint64(h + 16, true),
        offset: Number(v.getBigUint64(h + 24, true)),
        size: Number(v.getBigUint64(h + 32, true)),
        link: v.getUint32(h + 40, true),
        info: v.getUint32(h + 44, true),
        align: Number(v.getBigUint64(h + 48, true)),
        entsize: Number(v.getBigUint64(h + 56, true)),
      });
    }
    const strtab = this.sections[v.getUint16(62, true)];
    if (strtab) for (const s of this.sections) s.name = cstr(bytes, strtab.offset + Number(s.name));
  }
  section(name: string, nth = 0): Section {
    const s = this.sections.filter((x) => x.name === name)[nth];
    if (!s) throw new Error(`no section ${name}#${nth}; there are: ${this.sections.map((x) => x.name).join(' ')}`);
    return s;
  }
  data(s: Section): Uint8Array {
    return this.bytes.subarray(s.offset, s.offset + s.size);
  }
  symbols(): Sym[] {
    const tab = ensure(
      this.sections.find((s) => s.type === 2),
      'no symbol table',
    );
    const str = ensure(this.sections[tab.link], 'no string table');
    const out: Sym[] = [];
    let file = '';
    for (let i = 0; i < tab.size / 24; i++) {
      const at = tab.offset + 24 * i;
      const name = cstr(this.bytes, str.offset + this.view.getUint32(at, true));
      const info = this.view.getUint8(at + 4);
      if ((info & 15) === 4) file = name;
      out.push({
        index: i,
        at,
        name,
        value: this.view.getBigUint64(at + 8, true),
        size: Number(this.view.getBigUint64(at + 16, true)),
        info,
        shndx: this.view.getUint16(at + 6, true),
        file: info >> 4 ? '' : file,
      });
    }
    return out;
  }
  buildId(): string {
    const s = this.sections.find((x) => x.name === '.note.gnu.build-id');
    if (!s) return '';
    const n = this.view.getUint32(s.offset, true);
    const d = this.view.getUint32(s.offset + 4, true);
    const at = s.offset + 12 + ((n + 3) & ~3);
    return Buffer.from(this.bytes.subarray(at, at + d)).toString('hex');
  }
}

/** The hypervisor's symbols by the names its own table uses: globals plain, statics `FILE#name`. */
export class XenSyms {
  readonly byName = new Map<string, { address: bigint; size: number }>();
  readonly buildId: string;
  private sorted: { address: bigint; size: number; name: string }[] = [];
  readonly elf: Elf;
  constructor(elf: Elf) {
    this.elf = elf;
    this.buildId = elf.buildId();
    for (const s of elf.symbols()) {
      const type = s.info & 15;
      if (!s.name || type === 3 || type === 4 || !s.shndx || s.shndx >= 0xff00) continue;
      const name = s.info >> 4 || !s.file ? s.name : `${s.file}#${s.name}`;
      if (!this.byName.has(name)) this.byName.set(name, { address: s.value, size: s.size });
      this.sorted.push({ address: s.value, size: s.size, name });
    }
    this.sorted.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : b.size - a.size));
  }
  get(name: string): { address: bigint; size: number } {
    const s = this.byName.get(name);
    if (!s) throw new Error(`hypervisor has no symbol ${name}`);
    return s;
  }
  /** The live or static image's bytes at a name, as the file has them. */
  bytesAt(name: string, offset: number, n: number): Uint8Array {
    const at = this.get(name).address + BigInt(offset);
    const holds = (x: Section) => x.type === 1 && at >= x.addr && at < x.addr + BigInt(x.size);
    const s = ensure(this.elf.sections.find(holds), `no bytes at ${name}`);
    const o = s.offset + Number(at - s.addr);
    return this.elf.bytes.subarray(o, o + n);
  }
  /** Nearest sized symbol at or below an address, for readable addresses. */
  describe(address: bigint): string | undefined {
    let lo = 0;
    let hi = this.sorted.length;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (ensure(this.sorted[mid], 'in range').address <= address) lo = mid + 1;
      else hi = mid;
    }
    for (let i = lo - 1; i >= 0 && i > lo - 40; i--) {
      const s = ensure(this.sorted[i], 'in range');
      const off = address - s.address;
      if (off === 0n || off < BigInt(s.size)) return off ? `${s.name}+0x${off.toString(16)}` : s.name;
    }
    return undefined;
  }
}
