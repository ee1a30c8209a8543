/** There is nothing of that name. */
export class NotFound extends Error {}
