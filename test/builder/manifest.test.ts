import { describe, expect, it } from 'vitest';
import { readManifest } from '../../src/builder/index.ts';

const read = (text: string) => readManifest(text, 'bases.yaml', '/srv/fixes');

const WHOLE = `name: xsa-444
patches:
  - xsa-444.patch
  - /srv/more.patch
bases:
  - source: trees/4.17.5
  - name: vendor
    source: /srv/vendor
    xen: vendor/xen-syms
    config: vendor/config
    pristine: [vendor/own.patch]
    depends: ${'0a'.repeat(20)}
    xen-depends: "${'11'.repeat(16)}"
    release: 4.20
`;

describe('a manifest', () => {
  it('says what to build for which hypervisors, by paths that start at its folder', async () => {
    expect(await read(WHOLE)).toEqual({
      name: 'xsa-444',
      patches: ['/srv/fixes/xsa-444.patch', '/srv/more.patch'],
      bases: [
        { name: 'trees/4.17.5', source: '/srv/fixes/trees/4.17.5', pristine: [] },
        {
          name: 'vendor',
          source: '/srv/vendor',
          xen: '/srv/fixes/vendor/xen-syms',
          config: '/srv/fixes/vendor/config',
          pristine: ['/srv/fixes/vendor/own.patch'],
          depends: new Uint8Array(20).fill(0x0a),
          xenDepends: new Uint8Array(16).fill(0x11),
          release: '4.20',
        },
      ],
    });
  });

  it('may have names outside ASCII', async () => {
    const { patches, bases } = await read('patches: [größer.patch]\nbases: [{ source: ./x, name: größte }]\n');
    expect(patches).toEqual(['/srv/fixes/größer.patch']);
    expect(bases.map(({ name }) => name)).toEqual(['größte']);
  });

  it.each([
    ['', 'bases.yaml: is empty'],
    ['patches: [a]\n', 'bases.yaml:1:1: bases has to be a list of bases'],
    ['patches: []\nbases: [{ source: x }]\n', 'bases.yaml:1:10: patches is empty'],
    ['patches: [a]\nbases: []\n', 'bases.yaml:2:8: bases is empty'],
    ['patches: [a]\nbases:\n  - source: x\n    xem: y\n', 'bases.yaml:4:5: unknown key xem; did you mean xen?'],
    ['patches: [a]\nbases:\n  - xen: x\n', 'bases.yaml:3:5: source is missing'],
    ['patches: [a]\nbases:\n  - source: x\n    depends: "0"\n', 'bases.yaml:4:14: depends has to be hex digits'],
    ['patches: [a]\nbases:\n  - source: x\n    depends: ""\n', 'bases.yaml:4:14: depends has to be a build-id'],
    ['patches: [a, 7]\nbases: [{ source: x }]\n', 'bases.yaml:1:14: patches, entry 2 has to be text'],
    ['patches: [a]\npatches: [b]\n', 'bases.yaml:2:1: patches is there twice'],
    ['patches: [a\n', 'bases.yaml:'],
    [`patches: [a]\nbases: [${'{ source: x },'.repeat(101)}]\n`, 'bases.yaml:2:8: bases has more than 100 entries'],
    [`#${' '.repeat(300_000)}`, 'bases.yaml: more than 262144 bytes'],
  ])('is refused: %j', async (text, message) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'EFILE',
      message: expect.stringContaining(message) as string,
    });
  });
});
