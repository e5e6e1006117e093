import { readCall, type Answer, type Call } from './call.js';
import { said } from './sentences.js';

/** The programs of a simulated Mac that need Node.js: each is loaded only when it is called, since every one of them has to start fast. */
async function run(call: Call): Promise<Answer> {
  switch (call.program) {
    case 'security':
      return security(call);
    case 'codesign':
      return (await import('./codesign.js')).codesign(call);
    case 'xcodebuild':
      return (await import('./xcodebuild.js')).xcodebuild(call);
    default:
      return said(`this simulated Mac has no ${call.program}`);
  }
}

async function security(call: Call): Promise<Answer> {
  const [command = '', ...args] = call.args;
  switch (command) {
    case 'import':
      return (await import('./import.js')).importItems(call, args);
    case 'set-key-partition-list':
      return (await import('./partition-list.js')).setKeyPartitionList(call, args);
    case 'find-certificate':
      return (await import('./find-certificate.js')).findCertificate(call, args);
    case 'export':
      return (await import('./export.js')).exportItems(call, args);
    case 'cms':
      return (await import('./cms.js')).cms(call, args);
    default:
      return said(`this simulated Mac has no ${command}`);
  }
}

const write = (stream: NodeJS.WriteStream, content: string | Uint8Array): Promise<void> =>
  new Promise((done) => stream.write(content, () => done()));

const answer = await run(readCall());
if (answer.stdout !== undefined) await write(process.stdout, answer.stdout);
if (answer.stderr !== undefined) await write(process.stderr, answer.stderr);
process.exitCode = answer.code;
