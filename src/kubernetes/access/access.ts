// How to reach an API server, as data: its addresses, whom to believe that it is the one, and who we are.

/** A text itself, or the file that holds it and whose content may change. */
export type Material = { readonly text: string } | { readonly file: string };

export interface Access {
  /** Base addresses such as `https://192.0.2.2:6443`, all of one cluster; the first that answers is used. Not empty. */
  readonly servers: readonly string[];
  /** The name that the server's certificate must have; undefined: the host of its address. */
  readonly serverName: string | undefined;
  /** False: whoever answers is believed. */
  readonly isVerified: boolean;
  /** Certificates (PEM) of the authorities that may vouch for the server; undefined: those that the system trusts. */
  readonly authority: Material | undefined;
  /** What we prove ourselves with, in PEM. */
  readonly clientCertificate: { readonly certificate: Material; readonly key: Material } | undefined;
  /** A bearer token. */
  readonly token: Material | undefined;
  /** Where objects are meant to be when nobody says. */
  readonly namespace: string;
}

/** The same cluster by other addresses: those of its API servers, for when the one in the credentials is not enough. */
export const withServers = (access: Access, servers: readonly string[]): Access =>
  servers.length === 0 ? access : { ...access, servers };
