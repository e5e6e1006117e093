import '../setup/quiet-runtime.js';
import { startGateway } from '../../src/temporal/gateway.js';

export interface GatewayProcessArguments {
  readonly folder: string;
  readonly home: string;
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly region: string;
}

/** A gateway in a process of its own: `node --import tsx test/e2e/gateway-process.ts '<json>'`. */
const given = JSON.parse(process.argv[2] ?? '{}') as GatewayProcessArguments;
const { address, namespace, ...rest } = given;
const gateway = await startGateway({ ...rest, temporal: { address, namespace } });
process.on('SIGTERM', () => void gateway.stop());
process.stdout.write('ready\n');
await gateway.ended;
