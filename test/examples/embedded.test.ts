import { describe, expect, it } from 'vitest';
import { exampleManifest as embedded, embeddedExample } from '../../src/cli/embedded/index.ts';
import { exampleBytes, manifest } from '../support/examples.ts';

const names = [...manifest.images, ...manifest.payloads].map(({ name }) => name);

describe('embedded examples', () => {
  it.each(names)('%s is the committed file', (name) => {
    expect(Buffer.compare(embeddedExample(name) ?? new Uint8Array(), exampleBytes(name))).toBe(0);
  });

  it('carries the manifest', () => {
    expect(embedded).toEqual(manifest);
  });

  it('takes file names of payloads', () => {
    expect(embeddedExample('hello.livepatch')).toEqual(embeddedExample('hello'));
  });

  it('gives fresh copies', () => {
    embeddedExample('hello')?.fill(0);
    expect(embeddedExample('hello')?.[1]).toBe(0x45);
  });

  it.each([
    '',
    'nothing',
    'constructor',
    '__proto__',
    'miniature-xen.livepatch',
    '../bin/hello',
    'x86_64/hello',
    'arm64/',
  ])('has no %j', (name) => {
    expect(embeddedExample(name)).toBeUndefined();
  });
});
