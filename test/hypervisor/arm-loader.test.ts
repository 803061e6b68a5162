import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/index.ts';
import { gunzip } from '../../src/cli/gunzip.ts';
import { isProblem, readElf, SHT_REL, SHT_RELA } from '../../src/elf/index.ts';
import { boot, type Image, openImage, SimulatedTarget } from '../../src/hypervisor/index.ts';
import { crossAssemble, crossCombine, crossLink } from '../support/cross.ts';
import { xenFromSource } from '../support/source-xen.ts';
import { buildArmPayload } from '../targets/support/arm-payload.ts';
import { apply, loaded, releaseNamed, revert, upload } from './support.ts';

/** A function with calls, constants, pointers and data, and a callee: everything for which compilers emit relocations. */
const CODE = `
extern int printk(const char *fmt, ...);
extern unsigned int xen_major_version(void);
extern char _start[];
static const char *const names[] = { "one", "two", "three" };
static unsigned long table[4] = { 1, 2, 3, 4 };
static unsigned char bytes[3];
static unsigned short shorts[3] = { 7, 8, 9 };
int __attribute__((noinline)) lp_helper(unsigned int i)
{
    bytes[i & 1]++;
    return printk("%s %s %p\\n", names[i % 3], "text", _start) + table[i & 3] + shorts[i & 1];
}
const char *lp_extra(void)
{
    if (xen_major_version() == 5)
        return "five";
    return lp_helper(xen_major_version()) ? names[1] : "none";
}
FUNC patched = {
  .name = "xen_extra_version", .new_addr = lp_extra, .new_size = 16, .old_size = 8, .version = 2,
};
`;

describe.each(['arm64', 'arm32'] as const)('a payload that gcc made for %s', (arch) => {
  let image: Image;
  let id: string;

  beforeAll(async () => {
    const source = await xenFromSource(arch);
    image = openImage(readFileSync(source.xenSyms), { gunzip });
    id = source.buildId;
  }, 1_800_000);

  const host = (release = '4.17.5'): SimulatedTarget => {
    const processor = image.arch.processors.parse(image.arch.processors.standard);
    if (typeof processor === 'string') throw new Error(processor);
    const options = { release: releaseNamed(release), processor, debugBuild: false, domainsWithWaitqueue: [] };
    return new SimulatedTarget(boot(image, options));
  };
  const symbol = (name: string): bigint => image.symbolsFor(releaseNamed('4.17.5')).byName(name);

  it('loads like ld links it at the same address, except for reported quirks', () => {
    const file = buildArmPayload({ arch, c: CODE, depends: id });
    const elf = readElf(file);
    if (isProblem(elf) || isProblem(elf)) throw new Error('no ELF');
    const kinds = elf.sections.map(({ type }) => type);
    // As the compiler's own tools emit them: arm32 keeps addends in the code.
    expect(kinds.includes(arch === 'arm32' ? SHT_REL : SHT_RELA)).toBe(true);

    const target = host();
    const outcome = upload(target, 'a', file);
    expect(outcome).toMatchObject({ rc: 0, console: [] });
    const payload = loaded(target, 'a');
    const starts = { text: payload.text.addr, rw: payload.rw.addr, ro: payload.ro.addr };
    // move_payload's places: index order within each kind.
    const addresses: Record<string, bigint> = {};
    for (const section of elf.sections) {
      if ((section.flags & 2) === 0 || section.size === 0) continue;
      const at = (section.flags & 4) !== 0 ? 'text' : (section.flags & 1) !== 0 ? 'rw' : 'ro';
      const align = BigInt(section.addralign);
      addresses[section.name] = (starts[at] + align - 1n) & -align;
      starts[at] = (addresses[section.name] as bigint) + BigInt(section.size);
    }
    const names = ['printk', 'xen_major_version', '_start'];
    const known = Object.fromEntries(names.map((name) => [name, symbol(name) || (image.linker('_start') ?? 0n)]));
    let compared = 0;
    const differing: bigint[] = [];
    for (const section of elf.sections) {
      const address = addresses[section.name];
      if (address === undefined || section.type === 8 || section.type === 7) continue;
      const linked = crossLink(arch, file, addresses, known, section.name);
      expect(linked.complaints).not.toMatch(/undefined|truncated/);
      const ours = target.hypervisor.machine.space.read(address, section.size);
      // prepare_payload has resolved the function's address.
      if (section.name === '.livepatch.funcs') continue;
      for (let at = 0; at + 4 <= section.size; at += 4) {
        compared++;
        if (hex(ours.subarray(at, at + 4)) !== hex(linked.bytes.subarray(at, at + 4)))
          differing.push(address + BigInt(at));
      }
    }
    expect(compared).toBeGreaterThan(30);
    const quirks = outcome.findings.map(({ where }) => where.address);
    expect(differing).toEqual(arch === 'arm64' ? [] : quirks);
    expect(new Set(outcome.findings.map(({ rule, severity }) => `${rule} ${severity}`))).toEqual(
      new Set(arch === 'arm64' ? [] : ['arm32-branch-mask warning']),
    );

    expect(apply(target, 'a').rc).toBe(0);
    expect(revert(target, 'a').rc).toBe(0);
  });

  it('adds no mapping symbols to the symbol table', () => {
    const target = host();
    upload(target, 'a', buildArmPayload({ arch, c: CODE, depends: id }));
    const names = loaded(target, 'a').symtab.map(({ name }) => name);
    expect(names).toContain('lp_helper');
    expect(names.filter((name) => name.startsWith('$'))).toEqual([]);
  });

  /** The payload with additional assembly. */
  const withAssembly = (source: string): Uint8Array =>
    crossCombine(arch, [buildArmPayload({ arch, c: CODE, depends: id }), crossAssemble(arch, source)]);

  it('is refused for a type without a row', () => {
    const type = arch === 'arm64' ? 'R_AARCH64_LD_PREL_LO19' : 'R_ARM_TARGET1';
    const file = withAssembly(`.section .text.x,"ax",%progbits\n.reloc ., ${type}, lp_helper\n.word 0\n`);
    const line = arch === 'arm64' ? 'Unhandled relocation 273' : 'Unhandled relocation #26';
    expect(upload(host(), 'a', file)).toMatchObject({ errno: 'EOPNOTSUPP', console: [`livepatch: a: ${line}`] });
  });

  if (arch === 'arm32') {
    it('with Thumb code is refused', () => {
      const file = withAssembly('.section .text.x,"ax",%progbits\n.syntax unified\n.thumb\nnop\n');
      const line = "livepatch: a: Symbol '$t' should not be in payload";
      expect(upload(host(), 'a', file)).toMatchObject({ errno: 'EINVAL', console: [line] });
    });

    it('of an older ABI is refused', () => {
      const file = buildArmPayload({ arch, c: CODE, depends: id });
      file[39] = 4;
      const line = 'livepatch: a: Unsupported ELF EABI(4000000)';
      expect(upload(host(), 'a', file)).toMatchObject({ errno: 'EOPNOTSUPP', console: [line] });
    });

    it('loses the addend in MOVW and MOVT, with a finding', () => {
      const source =
        '.section .text.x,"ax",%progbits\nmovw r0, #:lower16:lp_helper+8\nmovt r0, #:upper16:lp_helper+8\n';
      const target = host();
      const outcome = upload(target, 'a', withAssembly(source));
      expect(outcome.rc).toBe(0);
      expect(outcome.findings.filter(({ rule }) => rule === 'arm32-move-addend')).toHaveLength(2);
      const helper = target.hypervisor.payloads[0]?.symtab.find(({ name }) => name === 'lp_helper')?.value ?? 0n;
      const place = outcome.findings.find(({ rule }) => rule === 'arm32-move-addend')?.where.address ?? 0n;
      const low = Number(helper & 0xffffn);
      const expected = (0xe300_0000 | ((low >> 12) << 16) | (low & 0xfff)) >>> 0;
      expect(target.hypervisor.machine.space.readU32(place)).toBe(expected);
    });

    it('kills the host at a misaligned word', async () => {
      const source = '.section .rodata.x,"a",%progbits\n.balign 4\n.byte 1\n.word lp_helper\n';
      const target = host();
      expect(upload(target, 'a', withAssembly(source)).rc).toBeNull();
      const panic = await target.panic();
      expect(panic).toMatchObject({ message: 'CPU0: Unexpected Trap: Data Abort', errorCode: 0x9400_0021 });
      expect(Number(panic?.address ?? 0n) % 4).not.toBe(0);
    });

    it('is relocated past the end of a section, too', () => {
      const file = withAssembly('.section .rodata.x,"a",%progbits\n.balign 4\n.word lp_helper\n');
      const elf = readElf(file);
      if (isProblem(elf) || isProblem(elf)) throw new Error('no ELF');
      const rel = elf.sections.find(({ name }) => name === '.rel.rodata.x');
      file[rel?.offset ?? 0] = 16;
      const outcome = upload(host(), 'a', file);
      expect(outcome.rc).toBe(0);
      expect(outcome.findings.map(({ rule }) => rule)).toContain('stray-relocation');
    });
  } else {
    it('is refused if a relocation is past the end of a section, and silently with SHT_REL', () => {
      const source = '.section .rodata.x,"a",%progbits\n.reloc 2, R_AARCH64_ABS16, lp_helper\n.word 0\n';
      const line = 'livepatch: a: Relative relocation offset is past .rodata.x section';
      expect(upload(host(), 'a', withAssembly(source))).toMatchObject({ errno: 'EINVAL', console: [line] });

      const file = buildArmPayload({ arch, c: CODE, depends: id });
      const elf = readElf(file);
      if (isProblem(elf) || isProblem(elf)) throw new Error('no ELF');
      const rela = elf.sections.find(({ name }) => name === '.rela.text');
      if (rela === undefined) throw new Error('no .rela.text');
      const header = Number(elf.header.e_shoff) + rela.index * elf.header.e_shentsize;
      file[header + 4] = SHT_REL;
      expect(upload(host(), 'a', file)).toMatchObject({ errno: 'ENOSYS', console: [] });
    });

    it('with a TBZ out of range is accepted, with a finding', () => {
      const source = '.section .text.x,"ax",%progbits\n.reloc ., R_AARCH64_TSTBR14, lp_helper+0x9000\ntbz x0, #1, .\n';
      const outcome = upload(host(), 'a', withAssembly(source));
      expect(outcome.rc).toBe(0);
      expect(outcome.findings.map(({ rule, severity }) => [rule, severity])).toEqual([
        ['arm64-tstbr-range', 'warning'],
      ]);
    });
  }
});
