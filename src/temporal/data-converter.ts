import { fileURLToPath } from 'node:url';
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { plainCodec } from './codec/encryption.js';

/** The same file in the sources and in what the build makes of them: workflows have it in their bundle. */
export const FAILURE_CONVERTER = fileURLToPath(new URL('../../workflows/failure-converter.cjs', import.meta.url));

/**
 * How every client and worker of reseal reads and writes payloads and failures: the one place that says so.
 * @param codec null: payloads are plain
 */
export const dataConverter = (codec: PayloadCodec | null): DataConverter => ({
  failureConverterPath: FAILURE_CONVERTER,
  payloadCodecs: [codec ?? plainCodec],
});
