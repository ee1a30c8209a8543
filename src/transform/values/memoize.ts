/**
 * Returns the function with a cache of up to `limit` texts, emptied when full. Meant for few texts
 * that recur, such as the people of the partner's own team.
 */
export function memoize(
  compute: (text: string) => string,
  limit: number,
): (text: string) => string {
  const answers = new Map<string, string>()
  return (text) => {
    const known = answers.get(text)
    if (known !== undefined) return known
    const answer = compute(text)
    if (answers.size >= limit) answers.clear()
    answers.set(text, answer)
    return answer
  }
}
