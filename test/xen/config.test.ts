import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { gunzip } from '../../src/cli/gunzip.ts';
import { CONFIG_MAX_SIZE, configEnabled, parseConfig, readConfigData } from '../../src/xen/index.ts';

const TEXT = `#
# Automatically generated file; DO NOT EDIT.
#
CONFIG_X86=y
CONFIG_NR_CPUS=256
CONFIG_CMDLINE="say \\"hi\\" \\\\o/"
CONFIG_EMPTY=""
# CONFIG_DEBUG is not set
# CONFIG_ONLY mentioned
NOT_CONFIG=1
CONFIG_TWICE=1
CONFIG_TWICE=2
`;

describe('parseConfig', () => {
  it('reads options', () => {
    expect([...parseConfig(TEXT)]).toEqual([
      ['CONFIG_X86', 'y'],
      ['CONFIG_NR_CPUS', '256'],
      ['CONFIG_CMDLINE', 'say "hi" \\o/'],
      ['CONFIG_EMPTY', ''],
      ['CONFIG_DEBUG', 'n'],
      ['CONFIG_TWICE', '2'],
    ]);
  });
});

describe('readConfigData', () => {
  const data = gzipSync(TEXT);

  it('reads what gzip wrote', () => {
    const config = readConfigData(data, gunzip);
    expect(config).toEqual(parseConfig(TEXT));
    expect(config && [configEnabled(config, 'CONFIG_X86'), configEnabled(config, 'CONFIG_DEBUG')]).toEqual([
      true,
      false,
    ]);
  });

  it('refuses every truncation, and data that is not gzip', () => {
    for (let length = 0; length < data.length; length++) {
      expect(readConfigData(data.subarray(0, length), gunzip)).toBeUndefined();
    }
    expect(readConfigData(new Uint8Array(100).fill(0x41), gunzip)).toBeUndefined();
  });

  it('asks for 1 MiB at most', () => {
    const asked: number[] = [];
    const port = (_data: Uint8Array, maxSize: number): undefined => void asked.push(maxSize);
    expect(readConfigData(data, port)).toBeUndefined();
    expect(asked).toEqual([CONFIG_MAX_SIZE]);
  });

  it('accepts 1 MiB, but no more', () => {
    const line = 'CONFIG_A=y\n';
    const text = (size: number): string => line + '#'.repeat(size - line.length);
    expect(readConfigData(gzipSync(text(CONFIG_MAX_SIZE)), gunzip)?.get('CONFIG_A')).toBe('y');
    expect(readConfigData(gzipSync(text(CONFIG_MAX_SIZE + 1)), gunzip)).toBeUndefined();
    expect(readConfigData(gzipSync(new Uint8Array(256 << 20)), gunzip)).toBeUndefined();
  });

  it('never throws, whichever byte is changed', () => {
    for (let at = 0; at < data.length; at++) {
      const changed = Uint8Array.from(data);
      changed[at] = (changed[at] as number) ^ 0xff;
      const config = readConfigData(changed, gunzip);
      expect(config === undefined || config instanceof Map).toBe(true);
    }
  });
});
