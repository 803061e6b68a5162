import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InspectedPayload } from '../../src/documents/index.ts';
import { inspectSchema } from '../../src/documents/schemas.ts';
import { inspectPayload, inspectPayloads } from '../../src/inspect/inspect.ts';
import { payloadName } from '../../src/payload/payload-input.ts';
import { documentJson, PLAIN, renderInspect } from '../../src/report/index.ts';

const BIN = fileURLToPath(new URL('../../examples/bin/', import.meta.url));
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(BIN + name));
const inspect = (name: string, bytes = bytesOf(name)): InspectedPayload =>
  inspectPayload({ file: name, name: payloadName(name), bytes });
const tool = (name: string, ...args: string[]): string[] =>
  execFileSync(name, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n');

const NOT_READABLE = ['not-elf.livepatch', 'truncated.livepatch'];
const EXAMPLES = readdirSync(BIN).filter((name) => name.endsWith('.livepatch') && !NOT_READABLE.includes(name));

describe.each(EXAMPLES)('%s as a document', (name) => {
  const payload = inspect(name);

  it('is what its schema says', () => {
    const printed: unknown = JSON.parse(documentJson({ format: 'xsplice-inspect/1', payloads: [payload] }));
    expect(inspectSchema.parse(printed)).toEqual(printed);
  });

  it('has the sections that readelf sees', () => {
    const seen = tool('readelf', '-SW', BIN + name).flatMap((line) => {
      const row =
        /^ {2}\[ *(\d+)\] (\S+) +(\S+) +[0-9a-f]{16} [0-9a-f]+ ([0-9a-f]+) [0-9a-f]{2} +([A-Za-z]*) +\d+ +\d+ +(\d+)$/.exec(
          line,
        );
      if (row === null) return [];
      const [, index, section, type, size, flags, alignment] = row;
      return [
        {
          index: Number(index),
          name: section,
          type,
          flags,
          size: Number.parseInt(size ?? '', 16),
          alignment: Number(alignment),
        },
      ];
    });
    expect(seen.length).toBeGreaterThan(5);
    expect(payload.sections.map(({ page: _page, offset: _offset, ...rest }) => rest)).toEqual(seen);
  });

  it('has the relocations that readelf sees', () => {
    const seen = new Map<string, number>();
    for (const line of tool('readelf', '-rW', BIN + name)) {
      const type = /^[0-9a-f]{16} +[0-9a-f]{16} (R_\w+)/.exec(line)?.[1];
      if (type !== undefined) seen.set(type, (seen.get(type) ?? 0) + 1);
    }
    const told = new Map<string, number>();
    for (const { type, count } of payload.relocations) told.set(type, (told.get(type) ?? 0) + count);
    expect(told).toEqual(seen);
  });

  it('has the undefined symbols that nm sees', () => {
    const seen = tool('nm', '-u', BIN + name).flatMap((line) => /^ +[Uw] (.+)$/.exec(line)?.[1] ?? []);
    expect([...payload.undefinedSymbols].sort()).toEqual(seen.sort());
  });

  it('has the build-id that readelf sees', () => {
    const seen = tool('readelf', '-n', BIN + name).flatMap((line) => /Build ID: ([0-9a-f]+)/.exec(line)?.[1] ?? []);
    expect(seen).toContain(payload.buildId);
  });
});

describe('the document of a payload', () => {
  it('names what is replaced, and by what', () => {
    expect(inspect('hello.livepatch').functions).toEqual([
      {
        name: 'xen_extra_version',
        kind: 'replace',
        oldCode: null,
        oldSize: 8,
        newCode: { section: '.text', offset: 0, symbol: 'hello_extra_version' },
        newSize: 8,
        version: 2,
        expectation: null,
        code: null,
      },
    ]);
    expect(inspect('nop.livepatch').functions).toMatchObject([{ kind: 'nop', newCode: null }]);
    expect(inspect('expectation.livepatch').functions[0]?.expectation).toMatchObject({ enabled: true, length: 8 });
  });

  it('tells hooks, tables, metadata and whether it can be applied again', () => {
    const hooks = inspect('hooks.livepatch');
    expect(hooks.hooks.map(({ kind, target }) => [kind, target.symbol])).toEqual([
      ['load', 'hooks_on_load'],
      ['unload', 'hooks_on_unload'],
    ]);
    expect(hooks.reappliable).toBe(false);
    expect(inspect('alternatives.livepatch').tables).toEqual([
      { kind: 'alternatives', section: '.altinstructions', entries: 2, entrySize: 14 },
    ]);
    expect(inspect('hello.livepatch')).toMatchObject({
      metadata: ['purpose=say hello', 'author=xsplice'],
      reappliable: true,
    });
  });

  it.each([
    ['not-elf.livepatch', 'payload-file'],
    ['truncated.livepatch', 'payload-file'],
    ['no-depends.livepatch', 'section-missing'],
    ['bad-relocation.livepatch', 'relocation-type'],
  ])('has a finding for %s: %s', (name, rule) => {
    expect(inspect(name).findings).toMatchObject([{ rule, severity: 'error', where: { file: name } }]);
  });

  it('has no finding for a sound payload', () => {
    for (const name of ['hello', 'stack', 'nop', 'data', 'hooks', 'alternatives']) {
      expect(inspect(`${name}.livepatch`).findings).toEqual([]);
    }
  });
});

describe('a file that asks for more work than its size', () => {
  /** hello.livepatch with its section headers moved to the end, as many as wanted. */
  const withSections = (count: number, room: number, header: (view: DataView, at: number, i: number) => void) => {
    const sound = bytesOf('hello.livepatch');
    const bytes = new Uint8Array(Math.max(room, sound.length + count * 64));
    bytes.set(sound);
    const view = new DataView(bytes.buffer);
    const from = Number(view.getBigUint64(0x28, true));
    const strings = view.getUint16(0x3e, true);
    const at = bytes.length - count * 64;
    for (let i = 0; i < count; i++) header(view, at + i * 64, i);
    bytes.copyWithin(at + strings * 64, from + strings * 64, from + strings * 64 + 64);
    view.setBigUint64(0x28, BigInt(at), true);
    view.setUint16(0x3c, count, true);
    return bytes;
  };
  const relocations = (view: DataView, at: number): void => {
    view.setUint32(at + 4, 4, true);
    view.setBigUint64(at + 32, BigInt(view.byteLength), true);
    view.setUint32(at + 44, 9, true);
    view.setBigUint64(at + 56, 24n, true);
  };

  it.each([
    ['too many sections', withSections(2000, 0, () => undefined), 'section-count', 0],
    ['too large', withSections(17, 3 << 20, () => undefined), 'payload-size', 16],
    ['relocation sections on top of each other', withSections(1000, 2 << 20, relocations), 'relocation-overlap', 999],
  ])('is not read through: %s', (_what, bytes, rule, sections) => {
    const payload = inspect('x.livepatch', bytes);
    expect(payload.findings).toMatchObject([{ rule, severity: 'error' }]);
    expect(payload.sections).toHaveLength(sections);
    expect(payload.relocations).toEqual([]);
  });
});

describe('whatever bytes are given', () => {
  const accepted = (bytes: Uint8Array): void => {
    const report = inspectPayloads([{ file: 'x.livepatch', name: 'x', bytes }]);
    const result = inspectSchema.safeParse(JSON.parse(documentJson(report)));
    expect(result.error?.message).toBeUndefined();
    expect(renderInspect(report, PLAIN)).not.toMatch(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/u);
  };
  const sound = bytesOf('alternatives.livepatch');

  it('there is a document: any one byte changed', () => {
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const bytes = sound.slice();
        bytes[at] = value;
        accepted(bytes);
      }),
      { numRuns: 400 },
    );
  });

  it('there is a document: eight bytes of a header changed', () => {
    const view = new DataView(sound.buffer, sound.byteOffset);
    const headers = Number(view.getBigUint64(0x28, true));
    fc.assert(
      fc.property(
        fc.nat((sound.length - headers) / 8 - 1),
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        (row, value) => {
          const bytes = sound.slice();
          new DataView(bytes.buffer).setBigUint64(headers + row * 8, value, true);
          accepted(bytes);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('there is a document: cut off anywhere', () => {
    for (let length = 0; length < sound.length; length += 13) accepted(sound.slice(0, length));
  });

  it('there is a document: no payload at all', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), accepted));
  });
});
