/** Whether what listens or is asked there is this machine: nothing that goes there passes a network. An IPv6 address without brackets. */
export const isLoopback = (host: string): boolean => ['127.0.0.1', '::1', 'localhost'].includes(host);
