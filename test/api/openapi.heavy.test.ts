import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/api/routes.js';
import { runProcess } from '../../src/temporal/run-process.js';
import { obtainSchemathesis, schemathesisMissing } from '../setup/schemathesis.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { ServedMesh } from './served-mesh.js';

/** What is asked of is there, so that answers are judged and not only refusals. @param node of the mesh */
const settings = (node: string): string => `
[auth.openapi.token]
bearer = "\${RESEAL_TOKEN}"

[parameters]
"path.line" = "ios-main"
"path.name" = "${node}"
"path.node" = "${node}"

# That it is one of three, OpenAPI cannot say of what stands after a question mark.
[[operations]]
include-path = "/v1/impact"
checks.positive_data_acceptance.enabled = false
`;
const missing = await schemathesisMissing();

describe.skipIf(missing !== null)(`the OpenAPI document, by schemathesis${missing === null ? '' : ` (${missing})`}`, () => {
  let served: ServedMesh;
  let schemathesis: string;
  beforeAll(async () => {
    schemathesis = await obtainSchemathesis((line) => process.stderr.write(`${line}\n`));
    served = await ServedMesh.start();
  }, 900_000);
  afterAll(() => served.stop(), 120_000);

  it('describes what the server answers: every check passes, whatever is asked in its words or against them', async () => {
    const folder = temporaryFolder('reseal-schemathesis');
    mkdirSync(folder, { recursive: true });
    // The token is in no command line.
    writeFileSync(join(folder, 'schemathesis.toml'), settings(served.mesh.around.configuration().topology.nodes[0]?.name ?? ''));
    const options = ['--max-examples', '10', '--seed', '1', '--workers', '1', '--request-timeout', '15', '--suppress-health-check', 'all', '--generation-database', 'none', '--no-color', '--continue-on-failure', '--no-shrink']; // prettier-ignore
    const { code, stdout, stderr } = await runProcess(schemathesis, ['run', new URL('/v1/openapi.json', served.url).href, ...options], {
      timeout: 300_000,
      cwd: folder,
      env: { ...process.env, RESEAL_TOKEN: served.token },
    });
    expect(code, `${stdout.slice(-20_000)}\n${stderr.slice(-5_000)}`).toBe(0);
    // The document itself, which it has read, it does not ask for once more.
    const [, generated, passed] = /(\d+) generated, (\d+) passed/.exec(stdout) ?? [];
    expect([passed, /Tested: (\d+)/.exec(stdout)?.[1]], stdout.slice(-5_000)).toEqual([generated, String(ROUTES.length - 1)]);
  });
});
