/** The certificate with which a node shows itself to clients, read from files and looked at before it is used. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';

import { StartRefused } from '../host/start-refused.js';

/** Where the certificate and its key are. */
export type TlsFiles =
  | { readonly type: 'Pem'; readonly cert: string; readonly key: string }
  | { readonly type: 'Pfx'; readonly pfx: string; readonly passphraseFile?: string };

/** As Node wants it. */
export type TlsIdentity =
  { readonly cert: Buffer; readonly key: Buffer } | { readonly pfx: Buffer; readonly passphrase?: string };

/**
 * @param now in milliseconds since 1970.
 * @throws StartRefused that says what is wrong with which file.
 */
export function readTlsIdentity(files: TlsFiles, now: number): TlsIdentity {
  if (files.type === 'Pem') {
    const cert = read(files.cert, '--tls-cert');
    const key = read(files.key, '--tls-key');
    const certificate = certificateIn(cert, files.cert);
    contextOf({ cert, key }, (reason, code) =>
      code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
        ? `the key in ${files.key} (--tls-key) is not the one of the certificate in ${files.cert} (--tls-cert)`
        : `${files.key} (--tls-key) holds no private key in PEM that can be used with ${files.cert}: ${reason}`,
    );
    refuseUntimely(certificate, files.cert, now);
    return { cert, key };
  }
  const pfx = read(files.pfx, '--tls-pfx');
  const passphrase =
    files.passphraseFile === undefined
      ? undefined
      : read(files.passphraseFile, '--tls-passphrase-file')
          .toString('utf8')
          .replace(/\r?\n$/, '');
  const identity = passphrase === undefined ? { pfx } : { pfx, passphrase };
  const context = contextOf(identity, (reason) =>
    /mac verify failure/i.test(reason)
      ? `the passphrase for ${files.pfx} (--tls-pfx) is wrong or missing: give it with --tls-passphrase-file`
      : `${files.pfx} (--tls-pfx) is not a PKCS #12 file that can be used: ${reason}`,
  );
  refuseUntimely(ownCertificate(context), files.pfx, now);
  return identity;
}

function read(path: string, flag: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EACCES'
          ? 'this user may not read it'
          : String(error);
    throw new StartRefused(`cannot read ${path} (${flag}): ${why}.`);
  }
}

function certificateIn(pem: Buffer, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new StartRefused(
      `${path} (--tls-cert) holds no certificate in PEM: it begins with "-----BEGIN CERTIFICATE-----".`,
    );
  }
}

function contextOf(identity: TlsIdentity, explain: (reason: string, code: unknown) => string): SecureContext {
  try {
    return createSecureContext(identity);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    throw new StartRefused(`${explain(error instanceof Error ? error.message : String(error), code)}.`);
  }
}

/** The certificate that a context shows: Node keeps it where its types do not say. */
function ownCertificate(context: SecureContext): X509Certificate | undefined {
  const inner = context.context as { readonly getCertificate?: () => Buffer | null };
  const der = inner.getCertificate?.() ?? undefined;
  return der === undefined ? undefined : new X509Certificate(der);
}

function refuseUntimely(certificate: X509Certificate | undefined, path: string, now: number): void {
  if (certificate === undefined) return;
  const { validFrom, validTo } = certificate;
  if (now > Date.parse(validTo))
    throw new StartRefused(`the certificate in ${path} expired on ${validTo}: give one that is valid.`);
  if (now < Date.parse(validFrom)) {
    throw new StartRefused(
      `the certificate in ${path} is valid only from ${validFrom} on: give another one, or set the clock.`,
    );
  }
}
