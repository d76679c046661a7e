// Options that several commands have: one spelling, one default, one environment variable each.
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { type ListenAddress, parseListenAddress } from '../observe/listen-address.ts';
import { type LogLevel, logLevels } from '../observe/log.ts';

export const folderOption = (): Option =>
  new Option('--folder <dir>', 'the folder of manifests').env('GANTRY_FOLDER').makeOptionMandatory();

export const nodeOption = (): Option =>
  new Option('--node <name>', "this node's name").env('GANTRY_NODE').default(hostname().toLowerCase());

export const runDirOption = (): Option =>
  new Option('--run-dir <dir>', 'where sockets and locks are').env('GANTRY_RUN_DIR').default('/run/gantry');

export type DataPlaneOption = 'nftables' | 'none';

export const dataPlaneOption = (): Option =>
  new Option('--data-plane <mode>', 'who forwards packets: nftables, or none beside another Service proxy')
    .choices(['nftables', 'none'] satisfies DataPlaneOption[])
    .default('nftables' satisfies DataPlaneOption);

export const loadBalancerClassOption = (): Option =>
  new Option('--load-balancer-class <class>', 'serve Services of this class, beside those without any');

export const requireLoadBalancerClassOption = (): Option =>
  new Option('--require-load-balancer-class', 'leave Services without a class to others').default(false);

/** Commander would make an empty string of undefined. */
export type HttpOptionValue = ListenAddress | 'off';

/** `defaultText` is where it listens unless told otherwise. */
export const httpOption = (defaultText: string): Option =>
  new Option('--http <address>', 'serve metrics, health and readiness on ADDR:PORT, or off')
    .argParser(parseHttp)
    .default(parseHttp(defaultText), defaultText);

function parseHttp(text: string): HttpOptionValue {
  if (text === 'off') return text;
  const address = parseListenAddress(text);
  if (address === undefined) {
    throw new InvalidArgumentError('It must be like 127.0.0.1:7472, [::1]:7472 or :7472, or off.');
  }
  return address;
}

export const logLevelOption = (): Option =>
  new Option('--log-level <level>', 'the least severe logs to write')
    .env('GANTRY_LOG_LEVEL')
    .choices(logLevels)
    .default('info' satisfies LogLevel);

export const keyFileOption = (): Option =>
  new Option(
    '--key-file <file>',
    'the key of the heartbeats, made if missing (default: DIR/.status/membership.key)',
  ).env('GANTRY_KEY_FILE');

export const keyFileOf = (folder: string): string => join(folder, '.status', 'membership.key');

export const bgpListenOption = (): Option =>
  new Option('--bgp-listen <port>', 'let BGP peers connect to this port, too (usually 179)').argParser(
    parsePort,
  );

export const webhookPortOption = (): Option =>
  new Option(
    '--webhook-port <port>',
    'of a cluster: answer the API server here, which asks about changes of the configuration (default: off)',
  ).argParser(parsePort);

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port, 1–65535.');
}

export type OutputFormat = 'table' | 'json';

export const outputOption = (): Option =>
  new Option('-o, --output <format>', 'how to print it')
    .choices(['table', 'json'] satisfies OutputFormat[])
    .default('table' satisfies OutputFormat);
