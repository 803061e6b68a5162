import { beforeAll, describe, expect, it } from 'vitest';
import { observedStage } from '../../src/run/index.ts';
import { prepareQemu, type QemuHosts } from '../../src/targets/index.ts';
import { debian } from '../run/xen.ts';
import { run, scenarioNames } from './run.ts';

/** Each scenario holds on the hypervisor itself. */
const { image } = debian;
const MINUTE = 60_000;

let hosts: QemuHosts;
beforeAll(async () => {
  hosts = await prepareQemu({});
}, 5 * MINUTE);

describe('a real Xen 4.17.7', { timeout: MINUTE }, () => {
  it.each(scenarioNames)('does what %s says', async (name) => {
    const host = await hosts.start();
    try {
      const { version, buildId } = host.host;
      const identity = { release: version, buildId, arch: image.arch.name };
      const result = await run(name, observedStage(host, image, identity, []));
      expect(result.surprise).toBeNull();
      expect(result.error).toBeNull();
      expect(result.verdict).toBe('passed');
    } finally {
      await host.close();
    }
  });
});
