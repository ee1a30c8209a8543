import { decimal, flag, instant, key, name, text, texts, word } from './properties-scalar.ts'
import { nested, none, shape } from './shape.ts'

// Properties of a registration, and those of the solutions that requirements have as well.

export const solution = {
  id: key,
  name,
  type: word,
  solutionType: text,
  price: text,
  currency: word,
  quantity: decimal,
  publisherName: name,
} as const

export const registration = shape(
  {
    id: text,
    registrationDateTime: instant,
    status: word,
    statusReason: text,
    type: word,
    contract: nested(
      'object',
      shape(
        {
          value: decimal,
          currency: word,
          startDateTime: instant,
          endDateTime: instant,
          signDateTime: instant,
          term: word,
        },
        () => ({
          value: null,
          currency: null,
          startDateTime: null,
          endDateTime: null,
          signDateTime: null,
          term: null,
        }),
      ),
    ),
    solutionDetails: nested(
      'list',
      shape(
        {
          ...solution,
          value: decimal,
          incentives: texts,
          isDeployedOnAzure: flag,
          primaryDeploymentOn: word,
          pricingModel: word,
          marketplaceTransactionDetails: nested(
            'object',
            shape(
              { isMarketplaceTransacted: flag, marketplaceTransactionDateTime: instant },
              () => ({ isMarketplaceTransacted: null, marketplaceTransactionDateTime: null }),
            ),
          ),
        },
        () => ({
          id: null,
          name: null,
          type: null,
          solutionType: null,
          price: null,
          currency: null,
          quantity: null,
          publisherName: null,
          value: null,
          incentives: none,
          isDeployedOnAzure: null,
          primaryDeploymentOn: null,
          pricingModel: null,
          marketplaceTransactionDetails: null,
        }),
      ),
    ),
    statusHistory: nested(
      'object',
      shape(
        {
          reviewPendingDateTime: instant,
          actionRequiredDateTime: instant,
          passedDateTime: instant,
          failedDateTime: instant,
          approvedDateTime: instant,
        },
        () => ({
          reviewPendingDateTime: null,
          actionRequiredDateTime: null,
          passedDateTime: null,
          failedDateTime: null,
          approvedDateTime: null,
        }),
      ),
    ),
  },
  () => ({
    id: null,
    registrationDateTime: null,
    status: null,
    statusReason: null,
    type: null,
    contract: null,
    solutionDetails: none,
    statusHistory: null,
  }),
)
