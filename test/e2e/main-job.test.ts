import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkSchema, inspectSchema, rehearsalSchema } from '../../src/documents/schemas.ts';
import { debianXen } from '../support/debian-xen.ts';
import { objcopy } from '../support/gcc.ts';
import { buildPayload } from './payload.ts';
import { documentOf, privateFolder } from './process.ts';
import { hexAddress, jump, XenSyms } from './xen-syms.ts';

const { xenSyms, buildId, version } = debianXen();
const xen = new XenSyms(xenSyms);
const folder = privateFolder();
const PAGE = 0x1000n;

const extraVersion = xen.symbol('xen_extra_version');

/**
 * Replaces xen_extra_version, whose size the hypervisor's own symbol table tells. No two payloads may define the same
 * symbol, not even a local one, unless it is a replacement.
 */
const replaceExtraVersion = (text: string): string => `
  static const char *lp_extra_version(void) { return "-${text}"; }
  FUNC lp_func_${text} = { "xen_extra_version", lp_extra_version, 0, 8, ${extraVersion.size}, 2 };`;

/** Writes a payload into this file's folder. */
function payload(name: string, c: string, ids: { depends?: string; xenDepends?: string } = {}): string {
  const { depends = buildId, xenDepends = buildId } = ids;
  const path = join(folder, `${name}.livepatch`);
  writeFileSync(path, buildPayload({ c, depends, xenDepends }));
  return path;
}

const rehearse = (path: string, ...more: string[]) => documentOf('rehearse', [path, '--xen', xenSyms, ...more]);
const check = (...args: string[]) => documentOf('check', [...args, '--xen', xenSyms]);

/**
 * Where the first payload lands: VMAP_XEN starts at the image's end, rounded up to a page, and its own bitmap takes the
 * first pages. Source: xen/arch/x86/setup.c and xen/common/vmap.c (vm_init_type); the pages were counted on the real host.
 */
const rwdataEnd = xen.symbol('__2M_rwdata_end').address;
const firstPlace = ((rwdataEnd + PAGE - 1n) / PAGE) * PAGE + 9n * PAGE;

describe('the main job: replace xen_extra_version of Debian’s Xen', () => {
  const path = payload('extra', replaceExtraVersion('livepatched'));
  const { status, document } = rehearse(path);

  it('finds the release and the build-id in the image', () => {
    expect(xen.buildId).toBe(buildId);
    expect(document.xen).toEqual({ release: version, buildId, arch: 'x86_64' });
  });

  it('places the payload where the real host does', () => {
    expect(document.steps[0]).toMatchObject({ step: 'upload', name: 'extra', rc: 0, errno: null, state: 'CHECKED' });
    expect(document.steps[0]?.payload?.text).toBe(hexAddress(firstPlace));
    // Where the image ends is a matter of the build. This one was asked.
    const build = '151b373fd64b321593bf987fd923cd10dabadac4';
    expect(buildId, "the address was recorded on Debian's Xen 4.17.7: put that into the cache").toBe(build);
    expect(document.steps[0]?.payload?.text).toBe('0xffff82d0405b0000');
  });

  it('goes through the whole life', () => {
    const life = [
      'upload',
      'apply',
      'verify',
      'revert',
      'verify',
      'apply',
      'verify',
      'revert',
      'verify',
      'unload',
      'verify',
    ];
    expect(document.steps.map(({ step }) => step)).toEqual(life);
    expect(document.steps.map(({ rc }) => rc)).toEqual(life.map((step) => (step === 'verify' ? null : 0)));
    expect(document).toMatchObject({ verdict: 'passed', panic: null, findings: [] });
    expect(status).toBe(0);
    expect(rehearsalSchema.parse(document)).toEqual(document);
  });

  it('puts a jump there, and the original bytes back', () => {
    const { address, size } = extraVersion;
    expect(document.functions).toEqual([
      {
        name: 'xen_extra_version',
        oldAddr: hexAddress(address),
        oldSize: size,
        newAddr: hexAddress(firstPlace),
        newSize: 8,
        patchOffset: 0,
        before: xen.bytes(address, 5),
        after: jump(address, firstPlace),
      },
    ]);
  });

  it('prints what the real host printed', () => {
    const lines = (step: string): readonly string[] | undefined =>
      document.steps.find((candidate) => candidate.step === step)?.console;
    expect(lines('upload')).toEqual([]);
    expect(lines('apply')).toEqual([
      'livepatch: extra: Verifying enabled expectations for all functions',
      'livepatch: extra: Applying 1 functions',
      'livepatch: extra finished APPLY with rc=0',
    ]);
    expect(lines('revert')).toEqual(['livepatch: extra: Reverting', 'livepatch: extra finished REVERT with rc=0']);
    expect(lines('unload')).toEqual([]);
  });

  it('leaves nothing behind', () => {
    expect(document.steps.at(-2)).toMatchObject({ step: 'unload', state: null, payload: null });
    expect(document.steps.at(-1)).toMatchObject({
      step: 'verify',
      outcome: 'verified',
      rc: null,
      state: null,
      payload: null,
    });
  });

  it('is accepted by check, and can be inspected', () => {
    const checked = check(path);
    expect(checked.document.payloads).toMatchObject([{ file: path, verdict: 'accepted', errno: null, findings: [] }]);
    expect(checked.status).toBe(0);
    expect(checkSchema.parse(checked.document)).toEqual(checked.document);
    const inspected = documentOf('inspect', [path]);
    expect(inspected.document.payloads[0]?.functions.map(({ name }) => name)).toEqual(['xen_extra_version']);
    expect(inspected.status).toBe(0);
    expect(inspectSchema.parse(inspected.document)).toEqual(inspected.document);
  });

  it('takes the host down under the rules of 4.17.2, which kept the state in the payload, once that is read-only', () => {
    const old = ['--release', '4.17.2'];
    // gcc makes the section writable, as it holds pointers; livepatch-build-tools does not.
    expect(rehearse(path, ...old)).toMatchObject({ status: 0, document: { verdict: 'passed' } });
    const readOnly = join(folder, 'read-only.livepatch');
    const flags = ['--set-section-flags', '.livepatch.funcs=alloc,readonly,data'];
    writeFileSync(readOnly, objcopy(readFileSync(path), flags));
    expect(rehearse(readOnly)).toMatchObject({ status: 0, document: { verdict: 'passed' } });
    const { status, document } = rehearse(readOnly, ...old);
    expect(document).toMatchObject({ verdict: 'panicked', panic: { message: 'FATAL PAGE FAULT', errorCode: 3 } });
    expect(document.panic?.address?.slice(0, -3)).toBe(document.steps[0]?.payload?.ro.slice(0, -3));
    expect(document.panic?.screen.join('\n')).toMatch(/Pagetable walk from ffff82d0[\s\S]* L1\[0x[0-9a-f]{3}\] = 8000/);
    expect(status).toBe(1);
    expect(check(readOnly, ...old).document.payloads).toMatchObject([{ verdict: 'unsafe', errno: null }]);
  });
});

describe('a static function with an ENDBR64', () => {
  const printAll = xen.symbol('livepatch_printall');
  const path = payload(
    'printall',
    `extern int printk(const char *fmt, ...);
     static void lp_printall(unsigned char key) { (void)key; printk("patched\\n"); }
     FUNC lp_func = { "common/livepatch.c#livepatch_printall", lp_printall, 0, 16, ${printAll.size}, 2 };`,
  );

  it('is patched behind it', () => {
    expect(xen.bytes(printAll.address, 4)).toBe('f30f1efa');
    const { status, document } = rehearse(path);
    const from = printAll.address + 4n;
    expect(document.functions).toMatchObject([
      {
        name: 'common/livepatch.c#livepatch_printall',
        oldAddr: hexAddress(printAll.address),
        oldSize: printAll.size,
        patchOffset: 4,
        before: xen.bytes(from, 5),
        after: jump(from, firstPlace),
      },
    ]);
    expect(document.verdict).toBe('passed');
    expect(status).toBe(0);
  });

  it('is not found by its bare name', () => {
    const bare = payload(
      'bare',
      `static void lp_printall(unsigned char key) { (void)key; }
       FUNC lp_func = { "livepatch_printall", lp_printall, 0, 16, ${printAll.size}, 2 };`,
    );
    expect(check(bare).document.payloads).toMatchObject([
      {
        verdict: 'refused',
        errno: 'ENOENT',
        console: ['livepatch: bare: Could not resolve old address of livepatch_printall'],
      },
    ]);
  });
});

describe('payloads that are refused', () => {
  const wrong = buildId.replace(/./g, (digit) => (15 - Number.parseInt(digit, 16)).toString(16));

  it('for another hypervisor', () => {
    const path = payload('other', replaceExtraVersion('other'), { xenDepends: wrong });
    const line = 'livepatch: other: check against hypervisor build-id failed';
    const checked = check(path);
    expect(checked.document.payloads).toMatchObject([{ verdict: 'refused', errno: 'EINVAL', console: [line] }]);
    expect(checked.status).toBe(1);
    const rehearsed = rehearse(path);
    expect(rehearsed.document.verdict).toBe('refused');
    expect(rehearsed.document.steps).toMatchObject([{ step: 'upload', rc: -22, errno: 'EINVAL', console: [line] }]);
    expect(rehearsed.status).toBe(1);
  });

  it('on top of what is not there, unless NODEPS is given', () => {
    const path = payload('top', replaceExtraVersion('top'), { depends: wrong });
    const { status, document } = rehearse(path);
    expect(document.verdict).toBe('refused');
    expect(document.steps.map(({ step, rc }) => [step, rc])).toEqual([
      ['upload', 0],
      ['apply', -22],
    ]);
    expect(document.steps[1]?.console).toContain('livepatch: top: check against hypervisor build-id failed');
    expect(status).toBe(1);
    expect(rehearse(path, '--nodeps').document.verdict).toBe('passed');
  });

  it('with a symbol that nobody has', () => {
    const path = payload(
      'unknown',
      `extern int no_such_symbol(void);
       static int lp_new(void) { return no_such_symbol(); }
       FUNC lp_func = { "xen_extra_version", lp_new, 0, 8, ${extraVersion.size}, 2 };`,
    );
    expect(check(path).document.payloads).toMatchObject([
      { verdict: 'refused', errno: 'ENOENT', console: ['livepatch: unknown: Unknown symbol: no_such_symbol'] },
    ]);
  });
});

describe('a payload with alternatives, .bss and .modinfo', () => {
  // X86_FEATURE_ALWAYS is LM, word 1 bit 29. Source: xen/arch/x86/include/asm/cpufeatureset.h.
  const alternative = `
    asm volatile("1: .byte 0x0f, 0x1f, 0x00\\n"
                 ".pushsection .altinstructions, \\"a\\", @progbits\\n"
                 ".long 1b - ., 2f - .\\n .word 61\\n .byte 3, 3, 0, 0\\n .popsection\\n"
                 ".pushsection .altinstr_replacement, \\"ax\\", @progbits\\n"
                 "2: .byte 0x66, 0x66, 0x90\\n .popsection");`;
  const path = payload(
    'rich',
    `static int calls;
     static const char modinfo[] __attribute__((section(".modinfo"), used)) = "author=me\\0purpose=test";
     static const char *lp_extra_version(void) {
       ${alternative}
       return ++calls > 1 ? "-AGAIN" : "-ONCE";
     }
     FUNC lp_func = { "xen_extra_version", lp_extra_version, 0, 48, ${extraVersion.size}, 2 };`,
  );

  it('is taken, applied and reverted once: writable data cannot be applied again', () => {
    const { status, document } = rehearse(path);
    expect(document.verdict).toBe('passed');
    expect(document.steps.map(({ step }) => step)).toEqual([
      'upload',
      'apply',
      'verify',
      'revert',
      'verify',
      'unload',
      'verify',
    ]);
    expect(document.findings).toMatchObject([{ rule: 'not-reappliable', severity: 'note' }]);
    expect(document.steps[1]?.console).toEqual([
      'livepatch: rich: Verifying enabled expectations for all functions',
      'livepatch: rich: Applying 1 functions',
      'livepatch: module metadata:',
      'livepatch:   author=me',
      'livepatch:   purpose=test',
      'livepatch: rich finished APPLY with rc=0',
    ]);
    expect(status).toBe(0);
  });

  it('has a page for each kind', () => {
    const { document } = rehearse(path);
    expect(document.steps[0]?.payload).toEqual({
      text: hexAddress(firstPlace),
      rw: hexAddress(firstPlace + PAGE),
      ro: hexAddress(firstPlace + 2n * PAGE),
      pages: 3,
    });
  });
});

describe('a stack', () => {
  it('is applied upwards and reverted downwards', () => {
    const first = payload('first', replaceExtraVersion('first'));
    const { document: below } = documentOf('inspect', [first]);
    const id = below.payloads[0]?.buildId ?? '';
    const second = payload('second', replaceExtraVersion('second'), { depends: id });
    const { status, document } = documentOf('rehearse', [first, second, '--xen', xenSyms]);
    const order = document.steps.filter(({ step }) => step !== 'verify').map(({ step, name }) => `${step} ${name}`);
    expect(order.slice(0, 6)).toEqual([
      'upload first',
      'apply first',
      'upload second',
      'apply second',
      'revert second',
      'revert first',
    ]);
    expect(document.verdict).toBe('passed');
    expect(status).toBe(0);
    expect(check(second, first).document.payloads.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted']);
    // The second one writes over the first one's jump, and puts it back.
    const [one, two] = document.functions;
    expect(two?.before).toBe(one?.after);
  });
});
