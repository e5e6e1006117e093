/** The task queue of workflows, and of the nodes that neither an agent nor a gateway serves; those of agents and gateways are named after it. */
export const TASK_QUEUE = 'reseal';
