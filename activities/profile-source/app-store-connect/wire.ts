import { z } from 'zod';

// What reseal reads of App Store Connect's answers (OpenAPI 4.4.1): fields that it does not use are not looked at, so that Apple may add others.

const links = z.object({ next: z.string().optional() });
const paged = <T extends z.ZodType>(item: T) => z.object({ data: z.array(item), links });

const profile = z.object({
  id: z.string(),
  attributes: z.object({
    name: z.string(),
    profileType: z.string().optional(),
    /** ACTIVE may be stale after the certificate expired; the bytes tell. */
    profileState: z.enum(['ACTIVE', 'INVALID']).optional(),
    /** Base64; null for INVALID. */
    profileContent: z.string().nullish(),
    uuid: z.string().optional(),
    expirationDate: z.string().optional(),
  }),
});
const bundleId = z.object({ id: z.string(), attributes: z.object({ identifier: z.string(), seedId: z.string().optional() }) });
const certificate = z.object({
  id: z.string(),
  attributes: z.object({
    certificateType: z.string().optional(),
    displayName: z.string().nullish(),
    expirationDate: z.string().optional(),
    /** Base64 of its DER. */
    certificateContent: z.string().nullish(),
  }),
});
const device = z.object({ id: z.string(), attributes: z.object({ status: z.string().optional() }) });

export const ProfilesPage = paged(profile);
export const BundleIdsPage = paged(bundleId);
export const CertificatesPage = paged(certificate);
export const DevicesPage = paged(device);
export const OneProfile = z.object({ data: profile });
export const ErrorAnswer = z.object({
  errors: z.array(z.object({ code: z.string().optional(), title: z.string().optional(), detail: z.string().optional() })).min(1),
});

export type WireProfile = z.infer<typeof profile>;
export type WireBundleId = z.infer<typeof bundleId>;
export type WireCertificate = z.infer<typeof certificate>;
export type WireDevice = z.infer<typeof device>;
