#!/usr/bin/env node
// The command table.
import { type CommandEntry, runProgram } from './cli/program.ts';

const commands: readonly CommandEntry[] = [
  {
    name: 'standalone',
    summary: 'everything on one machine: controller, agent and pulse',
    group: 'Run:',
    isResident: true,
    load: async () => (await import('./cli/standalone.ts')).standaloneCommand(),
  },
  {
    name: 'controller',
    summary: 'give addresses to Services; one works, others stand by',
    group: 'Run:',
    load: async () => (await import('./cli/controller.ts')).controllerCommand(),
  },
  {
    name: 'agent',
    summary: 'announce addresses and forward their packets on this node',
    group: 'Run:',
    isResident: true,
    load: async () => (await import('./cli/agent.ts')).agentCommand(),
  },
  {
    name: 'pulse',
    summary: 'answer ARP and NDP and tell who is alive; outlives the agent',
    group: 'Run:',
    isResident: true,
    load: async () => (await import('./cli/pulse.ts')).pulseCommand(),
  },
  {
    name: 'drain',
    summary: 'hand the addresses of this node over to the others',
    group: 'Run:',
    load: async () => (await import('./cli/drain.ts')).drainCommand(),
  },
  {
    name: 'uninstall',
    summary: 'take back what Gantry has left in a cluster',
    group: 'Run:',
    load: async () => (await import('./cli/uninstall.ts')).uninstallCommand(),
  },
  {
    name: 'demo',
    summary: 'show it all on real packets, in a network of its own',
    group: 'Run:',
    load: async () => (await import('./cli/demo.ts')).demoCommand(),
  },
  {
    name: 'status',
    summary: 'Services, their addresses, who answers, what is wrong',
    group: 'Ask:',
    load: async () => (await import('./cli/status.ts')).statusCommand(),
  },
  {
    name: 'why',
    summary: 'the first thing wrong between a Service and its packets',
    group: 'Ask:',
    load: async () => (await import('./cli/why.ts')).whyCommand(),
  },
  {
    name: 'members',
    summary: 'who hears whom, who votes, how near leases come to running out',
    group: 'Ask:',
    load: async () => (await import('./cli/members.ts')).membersCommand(),
  },
  {
    name: 'bgp',
    summary: 'BGP peers, the routes they are told, and why not',
    group: 'Ask:',
    load: async () => (await import('./cli/bgp.ts')).bgpCommand(),
  },
  {
    name: 'validate',
    summary: 'every problem in a folder of manifests',
    group: 'Ask:',
    load: async () => (await import('./cli/validate.ts')).validateCommand(),
  },
  {
    name: 'migrate',
    summary: 'what changes for a cluster that runs MetalLB, and the steps',
    group: 'Ask:',
    load: async () => (await import('./cli/migrate.ts')).migrateCommand(),
  },
  {
    name: 'lab',
    summary: 'what pods and clients of the demo run; not for people',
    group: 'Internal:',
    load: async () => (await import('./cli/lab.ts')).labCommand(),
  },
  {
    name: 'version',
    summary: 'the versions of Gantry, Node.js and the kernel',
    group: 'Ask:',
    load: async () => (await import('./cli/version.ts')).versionCommand(),
  },
];

await runProgram(commands);
