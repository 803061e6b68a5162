import type { CheckMatrix, DocumentFinding, MatrixCell, MatrixPayload, MatrixXen } from '../../src/documents/index.ts';
/** Checks as documents. Their strings are byte strings, as the simulator makes them. */

export const xen = (release: string, digit: string, file = `xen-syms-${release}`): MatrixXen => ({
  file,
  release,
  buildId: digit.repeat(40),
  arch: 'x86_64',
});

export const payload = (file: string): MatrixPayload => ({
  file,
  name: file.replace(/^.*\//, '').replace(/\.livepatch$/, ''),
  buildId: null,
  depends: null,
  xenDepends: null,
  dependsOn: null,
});

export const cell = (payload: number, xen: number, more: Partial<MatrixCell> = {}): MatrixCell => ({
  payload,
  xen,
  named: false,
  verdict: 'accepted',
  errno: null,
  console: [],
  findings: [],
  ...more,
});

export const error = (more: Partial<DocumentFinding> = {}): DocumentFinding => ({
  rule: 'wrong-xen',
  severity: 'error',
  message: 'depends on another build',
  where: { file: 'hello.livepatch', section: '.livepatch.xen_depends', offset: 16 },
  ...more,
});

/** A call whose bytes are meant, with an instruction either side. */
export const inCode: DocumentFinding = {
  rule: 'odd-call',
  severity: 'warning',
  message: 'calls what is not there',
  where: {
    file: 'hello.livepatch',
    section: '.text.f',
    offset: 5,
    length: 4,
    symbol: 'f',
    address: '0xffff82d0405b0005',
  },
  source: { file: 'arch/x86/f.c', line: 12, column: 3 },
  code: [
    { offset: 1, bytes: '4889c7', text: 'movq %rax, %rdi', marked: null },
    { offset: 4, bytes: 'e800000000', text: 'callq printk', marked: { from: 1, to: 5 } },
    { offset: 9, bytes: 'c3', text: null, marked: null },
  ],
};

/** Two payloads on two hypervisors, with everything that a cell can come to. */
export const matrix: CheckMatrix = {
  format: 'xsplice-check-matrix/1',
  hypervisors: [xen('4.17.7', '1'), xen('4.18.0', '2')],
  payloads: [payload('hello.livepatch'), { ...payload('live/stack.livepatch'), dependsOn: 0 }],
  cells: [
    cell(0, 0, { named: true, findings: [inCode] }),
    cell(0, 1, {
      verdict: 'refused',
      errno: 'EINVAL',
      console: ['livepatch: hello: check against hypervisor build-id failed'],
      findings: [error(), inCode],
    }),
    cell(1, 0, { findings: [error({ severity: 'note', rule: 'assumed', where: {} })] }),
    cell(1, 1, { verdict: 'unsafe', console: ['FATAL PAGE FAULT'] }),
  ],
};

/** What a payload's author may write to do harm in whatever reads a report. */
export const HOSTILE =
  '\x1b[2J</failure>]]>&"\'<script>alert(1)</script>\n::error::x\r%0A,a:b|`c`\u0000[l](http://evil.example) @user #1 \xff';

/** A matrix in which everything that a payload can name is hostile. */
export const hostile: CheckMatrix = {
  ...matrix,
  hypervisors: [{ ...xen('4.17.7', '1'), file: HOSTILE, release: HOSTILE }],
  payloads: [payload(HOSTILE)],
  cells: [
    cell(0, 0, {
      verdict: 'refused',
      errno: 'EINVAL',
      console: [HOSTILE],
      findings: [
        error({
          message: HOSTILE,
          where: { file: HOSTILE, section: HOSTILE, offset: 1, symbol: HOSTILE, address: '0xffff82d040200000' },
          source: { file: HOSTILE, line: 1 },
          code: [{ offset: 0, bytes: 'c3', text: HOSTILE, marked: { from: 0, to: 1 } }],
        }),
      ],
    }),
  ],
};
