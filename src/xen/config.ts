import { Gunzip } from 'fflate';
import { latin1, viewOf } from '../base/index.ts';

/**
 * The configuration that Xen carries in `xen_config_data`: its `.config`, gzipped. Only in builds with
 * CONFIG_HYPFS_CONFIG, since 4.14. Source: xen/common/Makefile (config.gz), xen/tools/binfile, xen/common/kernel.c.
 */

/** Options by name, `CONFIG_` included: `y`, a number's digits, or a string without its quotes; `n` where unset. */
export type XenConfig = ReadonlyMap<string, string>;

/** Longest configuration that is taken, in bytes; real ones have about 4 KiB. */
export const CONFIG_MAX_SIZE = 0x10_0000;

/** Bytes that go into the decompressor at once: bounds what one step can produce to about 4 MiB. */
const STEP = 4096;

/** Header and trailer of a gzip file, in bytes. Source: RFC 1952, section 2.3. */
const GZIP_MIN = 18;

/** The text in a gzip file, or `undefined` where it is damaged or longer than `CONFIG_MAX_SIZE`. */
export function gunzipConfig(data: Uint8Array): string | undefined {
  if (data.length < GZIP_MIN) return undefined;
  const pieces: string[] = [];
  let size = 0;
  let complete = false;
  const stream = new Gunzip((piece, final) => {
    size += piece.length;
    if (size <= CONFIG_MAX_SIZE) pieces.push(latin1(piece));
    complete ||= final;
  });
  try {
    for (let at = 0; at < data.length && size <= CONFIG_MAX_SIZE; at += STEP) {
      stream.push(data.subarray(at, at + STEP), at + STEP >= data.length);
    }
  } catch {
    // fflate throws on damaged input: that is data to us.
    return undefined;
  }
  // The last four bytes of a gzip file are the size of its contents.
  const whole = complete && viewOf(data).getUint32(data.length - 4, true) === size;
  return whole && size <= CONFIG_MAX_SIZE ? pieces.join('') : undefined;
}

/** Reads the lines `CONFIG_X=…` and `# CONFIG_X is not set`; all others are comments. The last line of a name counts. */
export function parseConfig(text: string): XenConfig {
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const set = /^(CONFIG_\w+)=(.*)$/.exec(line);
    if (set !== null) options.set(set[1] as string, unquote(set[2] as string));
    const unset = /^# (CONFIG_\w+) is not set$/.exec(line);
    if (unset !== null) options.set(unset[1] as string, 'n');
  }
  return options;
}

const unquote = (value: string): string => (/^".*"$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value);

/** The options in `xen_config_data`, or `undefined` where it is damaged or too long. */
export function readConfigData(data: Uint8Array): XenConfig | undefined {
  const text = gunzipConfig(data);
  return text === undefined ? undefined : parseConfig(text);
}

/** Is this option `y`? */
export const configEnabled = (config: XenConfig, option: string): boolean => config.get(option) === 'y';
