/** Parameters of a choice that take several values. */
export const listParameters = ['account', 'period', 'area', 'play', 'country', 'deal_type'] as const

/** Parameters of a choice that take one value. */
export const singleParameters = ['currency', 'as_of', 'compare'] as const

/** Names of the parameters of a choice. */
export const choiceParameters: readonly string[] = [...listParameters, ...singleParameters]
