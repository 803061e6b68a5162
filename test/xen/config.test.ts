import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CONFIG_MAX_SIZE, configEnabled, gunzipConfig, parseConfig, readConfigData } from '../../src/xen/index.ts';

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
    const config = readConfigData(data);
    expect(config).toEqual(parseConfig(TEXT));
    expect(config && [configEnabled(config, 'CONFIG_X86'), configEnabled(config, 'CONFIG_DEBUG')]).toEqual([
      true,
      false,
    ]);
  });

  it('refuses every truncation, and what is no gzip', () => {
    for (let length = 0; length < data.length; length++) {
      expect(readConfigData(data.subarray(0, length))).toBeUndefined();
    }
    expect(readConfigData(new Uint8Array(100).fill(0x41))).toBeUndefined();
  });

  it('takes 1 MiB, and not a byte more', () => {
    expect(gunzipConfig(gzipSync(new Uint8Array(CONFIG_MAX_SIZE)))?.length).toBe(CONFIG_MAX_SIZE);
    expect(gunzipConfig(gzipSync(new Uint8Array(CONFIG_MAX_SIZE + 1)))).toBeUndefined();
    expect(gunzipConfig(gzipSync(new Uint8Array(256 << 20)))).toBeUndefined();
  });

  it('survives any one changed byte', () => {
    for (let at = 0; at < data.length; at++) {
      const changed = Uint8Array.from(data);
      changed[at] = (changed[at] as number) ^ 0xff;
      const text = gunzipConfig(changed);
      expect(text === undefined || text.length <= CONFIG_MAX_SIZE).toBe(true);
    }
  });
});
