-- One stage, one label. A past version that is known by its milestones alone has no substatus, so the
-- stage of an open referral is its status, then and now; referral_substatus still has what is known.
update dw.dim_status
set
  stage_label = referral_status,
  stage_sort = case referral_status when 'New' then 10 else 20 end
where referral_status in ('New', 'Active');

-- A comment is the tooltip of BI tools: what the column means comes first and stands alone. Where it
-- comes from follows after the mark "Source: ": properties as the API spells them, columns of an
-- Insights download in double quotes, and "computed from" before what is no copy.

comment on column dw.fact_acv_schedule.currency_code is
  'Currency of the line, ISO 4217; that of the contract when the line has none. Source: '
  'registrations[].solutionDetails[].currency, registrations[].contract.currency';
comment on column dw.fact_acv_schedule.contract_currency_code is
  'Currency of the contract, ISO 4217; XXX when not given. Source: '
  'registrations[].contract.currency';
comment on column dw.fact_acv_schedule.period_start_date is
  'First day of the contract year, counted from the start of the contract; null in year 0. '
  'Source: computed from registrations[].contract.startDateTime';
comment on column dw.fact_acv_schedule.period_end_date is
  'Last day of the contract year, inclusive; null in year 0. Source: computed from '
  'registrations[].contract.startDateTime, registrations[].contract.endDateTime, '
  'registrations[].contract.term';
comment on column dw.fact_acv_schedule.period_months is
  'Length of the contract year in months, 12 but for the last year; rounded for reading. Source: '
  'computed from registrations[].contract.startDateTime, registrations[].contract.endDateTime, '
  'registrations[].contract.term';
comment on column dw.fact_acv_schedule.scheduled_solution_amount is
  'Part of the value of the line that falls into the contract year, in currency_code. Source: '
  'computed from registrations[].solutionDetails[].value';
comment on column dw.fact_acv_schedule.scheduled_contract_amount is
  'Part of the contract value, allocated to the line, that falls into the contract year, in '
  'contract_currency_code. Source: computed from registrations[].contract.value';
comment on column dw.fact_acv_schedule.is_incentive_eligible is
  'The line has an incentive. Source: computed from registrations[].solutionDetails[].incentives';
comment on column dw.fact_acv_schedule.is_marketplace_transacted is
  'The line was bought on the marketplace; null when not stated. Source: '
  'registrations[].solutionDetails[].marketplaceTransactionDetails.isMarketplaceTransacted';

comment on column dw.fact_microsoft_acv.reading_no is
  'Number of the reading, from 1 for each referral: by the day of its file, readings without a '
  'day first, those of one day by content.';
comment on column dw.fact_microsoft_acv.registration_no is
  'Number of the registration within the referral, found by its id, or the only one when the '
  'file gives no id; dw.fact_registration. Null when the referral has no such registration.';
comment on column dw.fact_microsoft_acv.registration_id is
  'Id of the registration by the file; null when not given. Source: "Deal ID"';
comment on column dw.fact_microsoft_acv.as_of_date is
  'Day that the file is of: the one given with --as-of, else the latest day of those that '
  'Partner Center itself wrote into the file, on or after which it was downloaded. Null when it '
  'has none.';
comment on column dw.fact_microsoft_acv.contract_term is
  'Kind of term by the file: Perpetual, Finite or whatever it says. Source: "Contract Term"';
comment on column dw.fact_microsoft_acv.is_perpetual is
  'The contract has no end by the file. Source: computed from "Contract Term"';
comment on column dw.fact_microsoft_acv.contract_sign_date is
  'Day on which the contract was signed, by the file. Source: "Contract Sign Date"';
comment on column dw.fact_microsoft_acv.contract_start_date is
  'First day of the contract by the file. Source: "Contract Start Date"';
comment on column dw.fact_microsoft_acv.contract_end_date is
  'End of the contract by the file. Source: "Contract End Date"';
comment on column dw.fact_microsoft_acv.approved_date is
  'Day of the approval by rule, by the file. Source: "Deal Approved Date"';
comment on column dw.fact_microsoft_acv.passed_date is
  'Day of the approval by a reviewer, by the file. Source: "Deal Review Passed Date"';
comment on column dw.fact_microsoft_acv.failed_date is
  'Day of the refusal by a reviewer, by the file. Source: "Deal Review Failed Date"';
comment on column dw.fact_microsoft_acv.currency_code is
  'Currency of the contract by the file; XXX when not given. Source: "Contract Currency"';
comment on column dw.fact_microsoft_acv.contract_value_amount is
  'Total value of the contract by the file, in currency_code. Source: "Contract Value"';
comment on column dw.fact_microsoft_acv.contract_value_usd_amount is
  'Total value of the contract by the file in US dollars, at a rate of Microsoft''s. Source: '
  '"Contract Value (USD)"';
comment on column dw.fact_microsoft_acv.microsoft_acv_amount is
  'Annual contract value that Microsoft computed. The file has no currency beside it: '
  'mart.acv_reconciliation finds out which one. Null unless the registration is approved or '
  'passed. Source: "Annual Contract Value"';
comment on column dw.fact_microsoft_acv.solution_currency_code is
  'Currency of the first solution line by the file; XXX when not given. Source: "Registered deal '
  'solution currency"';
comment on column dw.fact_microsoft_acv.solution_value_amount is
  'Value of the first solution line by the file, in solution_currency_code. Source: "Registered '
  'deal solution value"';
comment on column dw.fact_microsoft_acv.solution_value_usd_amount is
  'Value of the first solution line by the file, in US dollars. Source: "Registered deal '
  'solution value (USD)"';
comment on column dw.fact_microsoft_acv.deal_value_usd_amount is
  'Estimated value of the deal by the file, in US dollars. Source: "Estimated Deal value (USD)"';

comment on column dw.fact_referral.currency_code is
  'Currency of the deal, ISO 4217; XXX when not given. Source: details.currency';
comment on column dw.fact_referral.created_date is
  'Day on which the referral was created, by UTC. Source: computed from createdDateTime';
comment on column dw.fact_referral.updated_date is
  'Day on which the source changed the referral last, by UTC. Source: computed from '
  'updatedDateTime';
comment on column dw.fact_referral.accepted_date is
  'Day on which the referral was accepted, by UTC; null when not accepted. Source: computed from '
  'acceptedDateTime';
comment on column dw.fact_referral.expected_close_date is
  'Day on which the deal is expected to close, as it was picked in the portal; the setting '
  'calendar_date_rule says how it is read. Source: computed from details.closingDateTime';
comment on column dw.fact_referral.expiration_date is
  'Day on which the referral expires unless a partner acts on it, by UTC. Source: computed from '
  'expirationDateTime';
comment on column dw.fact_referral.closed_date is
  'Day on which the referral was closed, by UTC; null while open. Source: computed from '
  'closedDateTime, updatedDateTime';
comment on column dw.fact_referral.registered_date is
  'Day of the first deal registration, by UTC; null when there is none. Source: computed from '
  'registrations[].registrationDateTime';
comment on column dw.fact_referral.registration_approved_date is
  'Day of the first approval that holds now, by rule or reviewer, by UTC; null when no '
  'registration is approved. Source: computed from '
  'registrations[].statusHistory.approvedDateTime, registrations[].statusHistory.passedDateTime';
comment on column dw.fact_referral.registration_first_approved_date is
  'Day of the first approval of a registration, by UTC, whatever came later; null when there was '
  'none. Source: computed from registrations[].statusHistory.approvedDateTime, '
  'registrations[].statusHistory.passedDateTime';
comment on column dw.fact_referral.created_at is
  'When the referral was created. Source: createdDateTime';
comment on column dw.fact_referral.updated_at is
  'When the source changed the referral last. Source: updatedDateTime';
comment on column dw.fact_referral.accepted_at is
  'When the referral was accepted; of one that the partner sent, when it was created. Source: '
  'acceptedDateTime';
comment on column dw.fact_referral.expected_close_at is
  'When the deal is expected to close, as the instant received. Source: details.closingDateTime';
comment on column dw.fact_referral.expiration_at is
  'When the referral expires unless a partner acts on it. Source: expirationDateTime';
comment on column dw.fact_referral.closed_at is
  'When the referral was closed, as exactly as closed_at_basis says; null while open. Source: '
  'computed from closedDateTime, updatedDateTime';
comment on column dw.fact_referral.closed_at_basis is
  'How the closing is dated: source (the payload says when), observed (the load saw it close) or '
  'estimated (first seen closed: its last update, no later than which it closed). Source: '
  'computed from closedDateTime';
comment on column dw.fact_referral.deal_value_amount is
  'Value of the deal as reported, in currency_code. Source: details.dealValue';
comment on column dw.fact_referral.days_to_accept is
  'Days from the creation to the acceptance, at least 0; null when not accepted. Source: '
  'computed from createdDateTime, acceptedDateTime';
comment on column dw.fact_referral.days_to_close is
  'Days from the creation to the closing, at least 0; null while open. Source: computed from '
  'createdDateTime, closedDateTime, updatedDateTime';
comment on column dw.fact_referral.days_to_registration is
  'Days from the closing to the first deal registration, at least 0; null without one of them. '
  'Source: computed from closedDateTime, updatedDateTime, registrations[].registrationDateTime';
comment on column dw.fact_referral.requested_solution_count is
  'Number of solutions that the referral asks for. Source: computed from '
  'details.requirements.solutions[]';
comment on column dw.fact_referral.requested_offer_count is
  'Number of offers that the referral asks for. Source: computed from '
  'details.requirements.offers[]';
comment on column dw.fact_referral.registration_count is
  'Number of deal registrations of the referral; the source allows one today. Source: computed '
  'from registrations[]';

comment on column dw.fact_referral_history.version_no is
  'Number of the version, from 1 for each referral.';
comment on column dw.fact_referral_history.valid_from_date is
  'Day from which the version holds, by UTC.';
comment on column dw.fact_referral_history.registration_status is
  'Where the deal registration stood at that time; None before the registration. Source: '
  'computed from registrations[].statusHistory';
comment on column dw.fact_referral_history.qualification is
  'How qualified the lead was at that time: None, Direct, MarketingQualified or SalesQualified. '
  'Source: qualification';
comment on column dw.fact_referral_history.currency_code is
  'Currency of the deal at that time, ISO 4217; XXX when not given. Source: details.currency';
comment on column dw.fact_referral_history.deal_value_amount is
  'Value of the deal at that time, in currency_code. Source: details.dealValue';
comment on column dw.fact_referral_history.expected_close_date is
  'Day on which the deal was expected to close, as known at that time. Source: computed from '
  'details.closingDateTime';
comment on column dw.fact_referral_history.expiration_date is
  'Day on which the referral was to expire, as known at that time, by UTC. Source: computed from '
  'expirationDateTime';
comment on column dw.fact_referral_history.registered_acv_amount is
  'Annual contract value of the registrations known at that time, in '
  'registered_acv_currency_code; null when none. Source: computed from '
  'registrations[].contract.value, registrations[].contract.startDateTime, '
  'registrations[].contract.endDateTime, registrations[].contract.term';
comment on column dw.fact_referral_history.registered_acv_currency_code is
  'Currency of the registered contracts, ISO 4217; XXX when there is none. Source: '
  'registrations[].contract.currency';
comment on column dw.fact_referral_history.source_updated_at is
  'When the source changed the referral last, by the payload that the version comes from. '
  'Source: updatedDateTime';

comment on column dw.fact_referral_solution.price_text is
  'Price of one unit as received, a text in the source. Source: '
  'details.requirements.solutions[].price';
comment on column dw.fact_referral_solution.price_amount is
  'Price of one unit, in currency_code; null when the text received is not a plain decimal. '
  'Source: details.requirements.solutions[].price';
comment on column dw.fact_referral_solution.currency_code is
  'Currency of the line, ISO 4217; that of the deal when the line has none. Source: '
  'details.requirements.solutions[].currency, details.currency';
comment on column dw.fact_referral_solution.quantity is
  'Number of units asked for, as received. Source: details.requirements.solutions[].quantity';
comment on column dw.fact_referral_solution.line_amount is
  'Price times quantity, in currency_code; null when one of the two is missing. Source: computed '
  'from details.requirements.solutions[].price, details.requirements.solutions[].quantity';
comment on column dw.fact_referral_solution.allocated_deal_value_amount is
  'Share of the line in the value of the deal, in the currency of the deal; the shares add up to '
  'it exactly. Source: computed from details.dealValue';

comment on column dw.fact_registration.registration_id is
  'Id of the registration at the source. Source: registrations[].id';
comment on column dw.fact_registration.registration_type is
  'Programme that the deal is registered for; AzureIPCoSell today. Source: registrations[].type';
comment on column dw.fact_registration.registration_status is
  'Where the registration stands in review. Source: registrations[].status';
comment on column dw.fact_registration.is_terminal is
  'The review is Passed or Failed, which the documentation calls final, although a granted '
  'exception may reopen it. Source: computed from registrations[].status';
comment on column dw.fact_registration.status_reason is
  'Why the registration stands as it does, in words of the review team. Source: '
  'registrations[].statusReason';
comment on column dw.fact_registration.contract_term is
  'Kind of term: Perpetual, Finite or whatever arrives. Source: registrations[].contract.term';
comment on column dw.fact_registration.is_perpetual is
  'The contract has no end; its value is spread over six years. Source: computed from '
  'registrations[].contract.term';
comment on column dw.fact_registration.currency_code is
  'Currency of the contract, ISO 4217; XXX when not given. Source: '
  'registrations[].contract.currency';
comment on column dw.fact_registration.contract_sign_date is
  'Day on which the contract was signed. Source: computed from '
  'registrations[].contract.signDateTime';
comment on column dw.fact_registration.contract_start_date is
  'First day of the contract. Source: computed from registrations[].contract.startDateTime';
comment on column dw.fact_registration.contract_end_date is
  'End of the contract as reported: its last day, or the anniversary after it. Source: computed '
  'from registrations[].contract.endDateTime';
comment on column dw.fact_registration.contract_end_exclusive_date is
  'First day after the contract, as used for the annual value; of a perpetual contract, 72 '
  'months after its start. Source: computed from registrations[].contract.startDateTime, '
  'registrations[].contract.endDateTime, registrations[].contract.term';
comment on column dw.fact_registration.term_months is
  'Length of the contract in months, rounded for reading; amounts are computed from the exact '
  'fraction. Source: computed from registrations[].contract.startDateTime, '
  'registrations[].contract.endDateTime, registrations[].contract.term';
comment on column dw.fact_registration.acv_status is
  'Whether there is an annual value: ok, term_inferred, or the reason why it or the schedule is '
  'missing. Source: computed from registrations[].contract.startDateTime, '
  'registrations[].contract.endDateTime, registrations[].contract.term, '
  'registrations[].contract.value';
comment on column dw.fact_registration.contract_value_amount is
  'Total value of the contract, in currency_code. Source: registrations[].contract.value';
comment on column dw.fact_registration.contract_acv_amount is
  'Annual contract value of the whole contract, in currency_code: its value times 12 over its '
  'months, where less than 12 months count as 12. Source: computed from '
  'registrations[].contract.value, registrations[].contract.startDateTime, '
  'registrations[].contract.endDateTime, registrations[].contract.term';
comment on column dw.fact_registration.contract_annualized_amount is
  'Value of the contract at a yearly rate, in currency_code; differs from the annual contract '
  'value only below 12 months. Source: computed from registrations[].contract.value, '
  'registrations[].contract.startDateTime, registrations[].contract.endDateTime, '
  'registrations[].contract.term';
comment on column dw.fact_registration.solution_value_amount is
  'Sum of the values of the solution lines, in currency_code; null when a line is in another '
  'currency. Source: computed from registrations[].solutionDetails[].value';
comment on column dw.fact_registration.nonrecurring_amount is
  'One-off fees, in currency_code: the value of the contract less that of its solution lines; '
  'null when the currencies differ. Source: computed from registrations[].contract.value, '
  'registrations[].solutionDetails[].value';
comment on column dw.fact_registration.line_count is
  'Number of solution lines. Source: computed from registrations[].solutionDetails[]';
comment on column dw.fact_registration.registered_at is
  'When the deal was registered. Source: registrations[].registrationDateTime';
comment on column dw.fact_registration.review_pending_at is
  'When it began to wait for review. Source: registrations[].statusHistory.reviewPendingDateTime';
comment on column dw.fact_registration.action_required_at is
  'When the review sent it back to the partner. Source: '
  'registrations[].statusHistory.actionRequiredDateTime';
comment on column dw.fact_registration.approved_at is
  'When it was approved by rule. Source: registrations[].statusHistory.approvedDateTime';
comment on column dw.fact_registration.passed_at is
  'When a reviewer approved it. Source: registrations[].statusHistory.passedDateTime';
comment on column dw.fact_registration.failed_at is
  'When a reviewer refused it. Source: registrations[].statusHistory.failedDateTime';
comment on column dw.fact_registration.registered_date is
  'Day on which the deal was registered, by UTC. Source: computed from '
  'registrations[].registrationDateTime';
comment on column dw.fact_registration.review_pending_date is
  'Day on which it began to wait for review, by UTC. Source: computed from '
  'registrations[].statusHistory.reviewPendingDateTime';
comment on column dw.fact_registration.action_required_date is
  'Day on which the review sent it back to the partner, by UTC. Source: computed from '
  'registrations[].statusHistory.actionRequiredDateTime';
comment on column dw.fact_registration.approved_date is
  'Day of the approval that holds now, by rule or reviewer, by UTC; null when there is none, or '
  'the review took it back. Source: computed from '
  'registrations[].statusHistory.approvedDateTime, registrations[].statusHistory.passedDateTime';
comment on column dw.fact_registration.decided_date is
  'Day of the decision that holds now, approved or failed, by UTC; null while the review waits. '
  'Source: computed from registrations[].statusHistory.approvedDateTime, '
  'registrations[].statusHistory.passedDateTime, registrations[].statusHistory.failedDateTime';
comment on column dw.fact_registration.approval_lead_days is
  'Days, with two decimals, from the registration to the approval that holds now. Source: '
  'computed from registrations[].registrationDateTime, '
  'registrations[].statusHistory.approvedDateTime, registrations[].statusHistory.passedDateTime';
comment on column dw.fact_registration.decision_lead_days is
  'Days, with two decimals, from the registration to the decision that holds now. Source: '
  'computed from registrations[].registrationDateTime, '
  'registrations[].statusHistory.approvedDateTime, registrations[].statusHistory.passedDateTime, '
  'registrations[].statusHistory.failedDateTime';
comment on column dw.fact_registration.sign_to_registration_days is
  'Days from the signing of the contract to the registration; the setting registration_days_max '
  'is the limit. Source: computed from registrations[].contract.signDateTime, '
  'registrations[].registrationDateTime';
comment on column dw.fact_registration.first_approved_at is
  'When it was first approved, by rule or reviewer, whatever came later. Source: computed from '
  'registrations[].statusHistory.approvedDateTime, registrations[].statusHistory.passedDateTime';
comment on column dw.fact_registration.first_approved_date is
  'Day on which it was first approved, by rule or reviewer, by UTC, whatever came later. Source: '
  'computed from registrations[].statusHistory.approvedDateTime, '
  'registrations[].statusHistory.passedDateTime';
comment on column dw.fact_registration.first_approval_lead_days is
  'Days, with two decimals, from the registration to the first approval. Source: computed from '
  'registrations[].registrationDateTime, registrations[].statusHistory.approvedDateTime, '
  'registrations[].statusHistory.passedDateTime';

comment on column dw.fact_registration_eligibility.policy_name is
  'Name of the policy at the source. Source: registrationEligibilityPolicies[].policyName';
comment on column dw.fact_registration_eligibility.is_eligible is
  'The referral can be registered under the policy; null when not stated. Source: '
  'registrationEligibilityPolicies[].isEligible';
comment on column dw.fact_registration_eligibility.referral_properties is
  'Properties of the referral that the policy looks at, as key=value, sorted by key and joined '
  'by a bar with blanks. Source: registrationEligibilityPolicies[].referralProperties';
comment on column dw.fact_registration_eligibility.additional_properties is
  'Further properties that the policy names, joined by a bar with blanks. Source: '
  'registrationEligibilityPolicies[].additionalProperties';
comment on column dw.fact_registration_eligibility.evaluated_at is
  'When the answer was fetched; it carries no time of its own.';
comment on column dw.fact_registration_eligibility.evaluated_date is
  'Day on which the answer was fetched, by UTC.';

comment on column dw.fact_registration_review.visit_no is
  'Number of the visit, from 1 for each registration, in order of time.';
comment on column dw.fact_registration_review.review_stage is
  'Stage of the review during the visit: ReviewPending, ActionRequired, Approved, Passed, Failed '
  'or whatever arrives. Source: registrations[].status';
comment on column dw.fact_registration_review.entered_at is
  'When the visit began: the instant that the payload gives for the stage, for the first visit '
  'the registration; else as entered_at_basis says. Source: computed from '
  'registrations[].statusHistory, registrations[].registrationDateTime';
comment on column dw.fact_registration_review.entered_date is
  'Day on which the visit began, by UTC. Source: computed from registrations[].statusHistory, '
  'registrations[].registrationDateTime';
comment on column dw.fact_registration_review.left_date is
  'Day on which the next visit began, by UTC; null for the current one.';
comment on column dw.fact_registration_review.entered_at_basis is
  'How the beginning of the visit is dated: source (the payload dates the stage) or observed (it '
  'does not: the update that showed it).';
comment on column dw.fact_registration_review.stage_days is
  'Days, with two decimals, from the beginning of the visit to the next one; null for the '
  'current one. Source: computed from registrations[].statusHistory, '
  'registrations[].registrationDateTime';
comment on column dw.fact_registration_review.sent_back_count is
  'How often the registration was sent back up to this visit, itself included: in the current '
  'row, how often it was in all.';

comment on column dw.fact_registration_solution.currency_code is
  'Currency of the line, ISO 4217; that of the contract when the line has none. Source: '
  'registrations[].solutionDetails[].currency, registrations[].contract.currency';
comment on column dw.fact_registration_solution.contract_currency_code is
  'Currency of the contract, ISO 4217; XXX when not given. Source: '
  'registrations[].contract.currency';
comment on column dw.fact_registration_solution.contract_sign_date is
  'Day on which the contract was signed. Source: computed from '
  'registrations[].contract.signDateTime';
comment on column dw.fact_registration_solution.contract_start_date is
  'First day of the contract. Source: computed from registrations[].contract.startDateTime';
comment on column dw.fact_registration_solution.registered_date is
  'Day on which the deal was registered, by UTC. Source: computed from '
  'registrations[].registrationDateTime';
comment on column dw.fact_registration_solution.price_text is
  'Price of one unit as received, a text in the source. Source: '
  'registrations[].solutionDetails[].price';
comment on column dw.fact_registration_solution.price_amount is
  'Price of one unit, in currency_code; null when the text received is not a plain decimal. '
  'Source: registrations[].solutionDetails[].price';
comment on column dw.fact_registration_solution.quantity is
  'Number of units sold, as received. Source: registrations[].solutionDetails[].quantity';
comment on column dw.fact_registration_solution.solution_value_amount is
  'Value of the line over the whole contract, without one-off fees, in currency_code. Source: '
  'registrations[].solutionDetails[].value';
comment on column dw.fact_registration_solution.solution_acv_amount is
  'Annual contract value of the line, without one-off fees, in currency_code. Source: computed '
  'from registrations[].solutionDetails[].value, registrations[].contract.startDateTime, '
  'registrations[].contract.endDateTime, registrations[].contract.term';
comment on column dw.fact_registration_solution.solution_annualized_amount is
  'Value of the line at a yearly rate, in currency_code; differs from its annual contract value '
  'only below 12 months. Source: computed from registrations[].solutionDetails[].value, '
  'registrations[].contract.startDateTime, registrations[].contract.endDateTime, '
  'registrations[].contract.term';
comment on column dw.fact_registration_solution.allocated_contract_value_amount is
  'Share of the line in the value of the contract, in contract_currency_code; the shares add up '
  'to it exactly. Source: computed from registrations[].contract.value';
comment on column dw.fact_registration_solution.allocated_contract_acv_amount is
  'Share of the line in the annual contract value of the contract, in contract_currency_code; '
  'the shares add up to it exactly. Source: computed from registrations[].contract.value, '
  'registrations[].contract.startDateTime, registrations[].contract.endDateTime, '
  'registrations[].contract.term';
comment on column dw.fact_registration_solution.is_deployed_on_azure is
  'The solution runs on Azure; null when not stated. Source: '
  'registrations[].solutionDetails[].isDeployedOnAzure';
comment on column dw.fact_registration_solution.primary_deployment_on is
  'Whose tenant the solution runs in: that of the Customer or of the Partner. Source: '
  'registrations[].solutionDetails[].primaryDeploymentOn';
comment on column dw.fact_registration_solution.pricing_model is
  'How the customer pays, such as PayAsYouGo. Source: '
  'registrations[].solutionDetails[].pricingModel';
comment on column dw.fact_registration_solution.is_pay_as_you_go is
  'The customer pays as it goes. Source: computed from '
  'registrations[].solutionDetails[].pricingModel';
comment on column dw.fact_registration_solution.is_marketplace_transacted is
  'The line was bought on the marketplace; null when not stated. Source: '
  'registrations[].solutionDetails[].marketplaceTransactionDetails.isMarketplaceTransacted';
comment on column dw.fact_registration_solution.marketplace_transaction_date is
  'Day on which the line was bought on the marketplace. Source: computed from '
  'registrations[].solutionDetails[].marketplaceTransactionDetails.marketplaceTransactionDateTime';
comment on column dw.fact_registration_solution.incentive_count is
  'Number of incentives of the line. Source: computed from '
  'registrations[].solutionDetails[].incentives';
comment on column dw.fact_registration_solution.is_incentive_eligible is
  'The line has an incentive. Source: computed from registrations[].solutionDetails[].incentives';
comment on column dw.fact_registration_solution.incentives is
  'Names of the incentives of the line, joined by a bar with blanks; empty when there are none. '
  'The bridge dw.bridge_line_incentive has them one by one. Source: '
  'registrations[].solutionDetails[].incentives';

comment on column dw.bridge_referral_seller.seller_count is
  'Persons of the same kind in the team of the referral. Source: computed from team[]';

comment on column dw.dim_customer.profile_hash is
  'Hash of the normalised profile, contacts excluded, as 32 hex digits.';
comment on column dw.dim_customer.customer_match_id is
  'Label that profiles of one customer share: the id at Moody''s, else the partner''s own id, '
  'else the D-U-N-S number, else name and country. Count the distinct ones to count customers. '
  'Source: computed from customerProfile.ids[].moodys, customerProfile.ids[].external, '
  'customerProfile.ids[].duns, customerProfile.ids[].id, customerProfile.ids[].profileType, '
  'customerProfile.name, customerProfile.address.country';
comment on column dw.dim_customer.customer_name is
  'Name of the customer; (Unknown) when absent. Source: customerProfile.name';
comment on column dw.dim_customer.customer_size is
  'Size of the customer as a band of employees, as sent. Source: customerProfile.size';
comment on column dw.dim_customer.customer_size_min_employees is
  'Least number of employees in the band of the customer, to sort and regroup by; null for an '
  'unknown band. Source: computed from customerProfile.size';
comment on column dw.dim_customer.customer_size_max_employees is
  'Greatest number of employees in the band of the customer; null for an unknown band and for '
  'the last one of a scale. Source: computed from customerProfile.size';
comment on column dw.dim_customer.address_line1 is
  'Street of the customer, first line. Source: customerProfile.address.addressLine1';
comment on column dw.dim_customer.address_line2 is
  'Street of the customer, second line. Source: customerProfile.address.addressLine2';
comment on column dw.dim_customer.city is
  'Town of the customer. Source: customerProfile.address.city';
comment on column dw.dim_customer.state is
  'State or province of the customer. Source: customerProfile.address.state';
comment on column dw.dim_customer.postal_code is
  'Postal code of the customer, as text. Source: customerProfile.address.postalCode';
comment on column dw.dim_customer.country_code is
  'Country of the customer, ISO 3166-1 alpha-2 in upper case. Source: '
  'customerProfile.address.country';
comment on column dw.dim_customer.region is
  'Region of the customer, in words of the source. Source: customerProfile.address.region';
comment on column dw.dim_customer.moodys_id is
  'Id of the customer at Moody''s. Source: customerProfile.ids[].moodys, '
  'customerProfile.ids[].id, customerProfile.ids[].profileType';
comment on column dw.dim_customer.external_customer_id is
  'Id that the partner itself gave the customer. Source: customerProfile.ids[].external, '
  'customerProfile.ids[].id, customerProfile.ids[].profileType';
comment on column dw.dim_customer.duns_number is
  'D-U-N-S number of the customer, which the source calls obsolete. Source: '
  'customerProfile.ids[].duns, customerProfile.ids[].id, customerProfile.ids[].profileType';

comment on column dw.dim_date.date_day is
  'The day that the row is about; every column that ends with _date joins to it.';
comment on column dw.dim_date.date_key is
  'The day as a number, yyyymmdd, for tools that relate on integers.';

comment on column dw.dim_engagement.deal_id is
  'Id of the deal: that of the engagement; that of the referral where it belongs to none and is '
  'a deal of its own. Source: engagementId, id';
comment on column dw.dim_engagement.engagement_id is
  'Id that the referrals of one deal share; null when the source gives none. Source: engagementId';
comment on column dw.dim_engagement.own_referral_key is
  'Referral of our own, neither Microsoft''s nor another partner''s; dw.dim_referral. Of several '
  'the one that would be primary; null when there is none. Source: computed from target[].id, '
  'target[].type, direction';
comment on column dw.dim_engagement.microsoft_referral_key is
  'Referral that Microsoft has, one with msft among its targets; dw.dim_referral. Of several the '
  'one that would be primary; null when there is none. Source: computed from target[].id';
comment on column dw.dim_engagement.partner_referral_key is
  'Referral that another partner has: outgoing, to the business profile of a partner; '
  'dw.dim_referral. Of several the one that would be primary; null when there is none. Source: '
  'computed from direction, target[].type';

comment on column dw.dim_referral.referral_id is
  'Id of the referral, unique within the account; another account may hold the same deal under '
  'the same id. Source: id';
comment on column dw.dim_referral.engagement_id is
  'Id that all referrals of one deal between several parties share; null when the source gives '
  'none. Source: engagementId';
comment on column dw.dim_referral.referral_name is
  'Name of the referral, as people gave it. Source: name';
comment on column dw.dim_referral.external_reference_id is
  'Id that the partner gave the referral, to join CRM data by. Source: externalReferenceId';
comment on column dw.dim_referral.mpn_id is
  'Partner ID of the partner at Microsoft, digits kept as text. Source: mpnId';
comment on column dw.dim_referral.etag is
  'Entity tag of the latest version, for a later write-back. Not part of any hash: a change of '
  'it alone is no change. Source: eTag';
comment on column dw.dim_referral.referral_status is
  'Status of the referral: None, New, Active, Closed, or whatever arrives. Source: status';
comment on column dw.dim_referral.referral_substatus is
  'Substatus of the referral: None, Pending, Received, Accepted, Won, Lost, Declined, Expired, '
  'Error, or whatever arrives. Source: substatus';
comment on column dw.dim_referral.status_reason is
  'Why the referral stands as it does, in free text. Source: statusReason';
comment on column dw.dim_referral.referral_type is
  'Type of the referral: Shared or Independent. Source: type';
comment on column dw.dim_referral.qualification is
  'How qualified the lead is: None, Direct, MarketingQualified or SalesQualified. Source: '
  'qualification';
comment on column dw.dim_referral.referral_source is
  'Storefront that a marketplace lead came from. Source: referralSource';
comment on column dw.dim_referral.call_to_action is
  'What the customer clicked on, of a marketplace lead. Source: callToAction';
comment on column dw.dim_referral.registration_status is
  'Where the deal registration of the referral stands; None when there is none. Source: '
  'registrationStatus';
comment on column dw.dim_referral.customer_marketplace_intent is
  'Whether the customer means to buy on the marketplace: Yes, No or HaveNotDecided. Source: '
  'details.requirements.additionalRequirements.attributes[].id';
comment on column dw.dim_referral.solution_area is
  'Solution area of the deal, by its attribute, else by its other properties, else by its '
  'solution assessment, else the area of its solution play; (Multiple) when there are several, '
  'which the tag bridge lists one by one. Source: '
  'details.requirements.additionalRequirements.attributes[].id, solutionArea, '
  'details.solutionArea, details.requirements.solutionArea, details.requirements.solutions[].name';
comment on column dw.dim_referral.solution_play is
  'Solution play of the deal, by its attribute, else by its other properties, else by its '
  'solution assessment; (Multiple) when there are several, which the tag bridge lists one by '
  'one. Source: details.requirements.additionalRequirements.attributes[].id, solutionPlay, '
  'details.solutionPlay, details.requirements.solutionPlay, details.requirements.solutions[].name';
comment on column dw.dim_referral.partner_role is
  'Role of the partner in the deal, by its attribute, else by its other properties, else by its '
  'solution assessment; (Multiple) when there are several, which the tag bridge lists one by '
  'one. Source: details.requirements.additionalRequirements.attributes[].id, partnerRole, '
  'details.partnerRole, details.requirements.partnerRole, details.requirements.solutions[].name';
comment on column dw.dim_referral.referral_category is
  'What the referral is, by its type, its qualification and who invited: Marketplace lead, '
  'Qualified lead, Co-sell opportunity or Other. Source: computed from type, qualification, '
  'inviteContext.invitedBy.organizationId';
comment on column dw.dim_referral.deal_type is
  'Who sees the deal, by its type and the consent to share it: Private, Partner-led, Co-sell or '
  'Unknown. Source: computed from type, consent.consentToShareReferralWithMicrosoftSellers';
comment on column dw.dim_referral.consent_to_share_info_with_others is
  'Consent to share the information with others; null when not stated. The doubled To in the '
  'source is the API''s. Source: consent.consentToToShareInfoWithOthers';
comment on column dw.dim_referral.consent_to_contact is
  'Consent to be contacted; null when not stated. Source: consent.consentToContact';
comment on column dw.dim_referral.consent_to_share_with_microsoft_sellers is
  'Consent to share the referral with sellers of Microsoft; null when not stated. Source: '
  'consent.consentToShareReferralWithMicrosoftSellers';
comment on column dw.dim_referral.consent_to_microsoft_contact_specific_partners is
  'Consent that Microsoft contacts specific partners; null when not stated. Source: '
  'consent.consentToMicrosoftToContactSpecificPartners';
comment on column dw.dim_referral.invited_by_organization_id is
  'Id of the organisation that invited to the deal; msft is Microsoft. Source: '
  'inviteContext.invitedBy.organizationId';
comment on column dw.dim_referral.invited_by_organization_name is
  'Name of the organisation that invited to the deal. Source: '
  'inviteContext.invitedBy.organizationName';
comment on column dw.dim_referral.has_iot_requirements is
  'The deal has OEM IoT requirements: a text of theirs is given, or one of their flags is true. '
  'Source: computed from details.requirements.additionalRequirements.iot';
comment on column dw.dim_referral.iot_license_agreement_number is
  'Licence agreement of the customer in an OEM IoT deal. Source: '
  'details.requirements.additionalRequirements.iot.customerLicenseAgreementNumber';
comment on column dw.dim_referral.iot_device_category is
  'Kind of device in an OEM IoT deal. Source: '
  'details.requirements.additionalRequirements.iot.deviceCategory';
comment on column dw.dim_referral.iot_silicon_type is
  'Processor of the device in an OEM IoT deal. Source: '
  'details.requirements.additionalRequirements.iot.siliconType';
comment on column dw.dim_referral.iot_is_azure_certified_device is
  'The device of an OEM IoT deal is certified for Azure. Source: '
  'details.requirements.additionalRequirements.iot.azureCertifiedDevice';
comment on column dw.dim_referral.iot_has_attached_services is
  'Services come with the device of an OEM IoT deal. Source: '
  'details.requirements.additionalRequirements.iot.attachServices';
comment on column dw.dim_referral.customer_contact_count is
  'Number of people at the customer; they themselves are in pii.contact. Source: computed from '
  'customerProfile.team[]';
comment on column dw.dim_referral.team_member_count is
  'Number of people in the team of the referral; they themselves are in pii.contact. Source: '
  'computed from team[]';
comment on column dw.dim_referral.direction is
  'Way the referral goes: Incoming or Outgoing; returned by the API though not documented. '
  'Source: direction';
comment on column dw.dim_referral.organization_id is
  'Id of the organisation that has the referral; returned by the API though not documented. '
  'Source: organizationId';
comment on column dw.dim_referral.organization_name is
  'Name of the organisation that has the referral; returned by the API though not documented. '
  'Source: organizationName';
comment on column dw.dim_referral.sales_stage is
  'Sales stage at Microsoft, a word or a number; returned by the API though not documented. '
  'Source: salesStage';
comment on column dw.dim_referral.microsoft_msx_id is
  'Id of the opportunity in Microsoft''s own CRM; returned by the API though not documented. '
  'Source: trackingInfo.microsoftMsxId';
comment on column dw.dim_referral.campaign_id is
  'Id of the marketing campaign; returned by the API though not documented. Source: campaignId';
comment on column dw.dim_referral.referral_program is
  'Programme of the referral; returned by the API though not documented. Source: referralProgram';
comment on column dw.dim_referral.quality is
  'Quality of the lead, often Unknown; returned by the API though not documented. Source: quality';
comment on column dw.dim_referral.is_spam is
  'The lead was marked as spam; null when not stated; returned by the API though not documented. '
  'Source: isSpam';
comment on column dw.dim_referral.assistance_request_code is
  'Help that was asked of Microsoft; returned by the API though not documented. Source: '
  'inviteContext.assistanceRequestCode';
comment on column dw.dim_referral.has_microsoft_member is
  'Somebody in the team of the referral has an address of Microsoft. Source: computed from '
  'team[].email';
comment on column dw.dim_referral.missing_since is
  'When the second complete full read in a row did not return the referral; null while it is '
  'returned.';
comment on column dw.dim_referral.source_updated_at is
  'When the source changed the referral last; else when it was created, else fetched. Source: '
  'updatedDateTime, createdDateTime';

comment on column dw.dim_seller.seller_hash is
  'Keyed hash, hex, of the address of the person in lower case, else of the digits of the '
  'telephone number. The key never leaves pii, so no list of addresses can be compared with it. '
  'For an erased person the word erased and the kind or number of the person. Source: computed '
  'from team[].email, team[].phoneNumber';
comment on column dw.dim_seller.seller_kind is
  'Whose seller the person is, by the domain of the address: Microsoft for Microsoft''s own '
  'domain and its parts, else Own. Source: computed from team[].email';
comment on column dw.dim_seller.email_domain is
  'Domain of the address, the part behind the @ in lower case; null without an address, and for '
  'an erased person. Source: computed from team[].email';

comment on column dw.dim_solution.item_kind is
  'Kind of item: Solution or Offer. Source: computed from details.requirements.solutions[], '
  'details.requirements.offers[], registrations[].solutionDetails[]';
comment on column dw.dim_solution.solution_id is
  'Id of the solution or offer; where it has none, name: and the name in lower case, (none) when '
  'it has neither. Source: details.requirements.solutions[].id, '
  'details.requirements.offers[].id, registrations[].solutionDetails[].id';
comment on column dw.dim_solution.solution_name is
  'Name of the solution or offer, as the latest referral gives it. Source: '
  'details.requirements.solutions[].name, details.requirements.offers[].name, '
  'registrations[].solutionDetails[].name';
comment on column dw.dim_solution.match_type is
  'How the item is identified: Category, Name or None. Source: '
  'details.requirements.solutions[].type, details.requirements.offers[].type, '
  'registrations[].solutionDetails[].type';
comment on column dw.dim_solution.solution_type is
  'Whose solution it is: 1P (Microsoft), 3P (partner) or SA (solution area). Source: '
  'details.requirements.solutions[].solutionType, details.requirements.offers[].offerType, '
  'registrations[].solutionDetails[].solutionType';
comment on column dw.dim_solution.publisher_name is
  'Organisation that publishes the solution or offer. Source: '
  'details.requirements.solutions[].publisherName, details.requirements.offers[].publisherName, '
  'registrations[].solutionDetails[].publisherName';
comment on column dw.dim_solution.source_updated_at is
  'When the source last changed the referral that gave these names; an older referral does not '
  'overwrite them. Source: updatedDateTime';

comment on column dw.dim_status.referral_status is
  'Status of the referral: None, New, Active, Closed, or whatever arrives. Source: status';
comment on column dw.dim_status.referral_substatus is
  'Substatus of the referral: None, Pending, Received, Accepted, Won, Lost, Declined, Expired, '
  'Error, or whatever arrives. Source: substatus';
comment on column dw.dim_status.stage_label is
  'Stage of the referral: New or Active while it is open, status and substatus once it is '
  'closed, such as Closed - Won. Past versions, whose substatus is not always known, so have the '
  'same stages as today''s. Source: computed from status, substatus';
comment on column dw.dim_status.stage_sort is
  'Order of the stages in reports: one number for each label. Stages that are not documented share 999.';
comment on column dw.dim_status.is_open is
  'The referral is open: its status is New or Active. Source: computed from status';
comment on column dw.dim_status.is_closed is
  'The referral is closed: its status is Closed. Source: computed from status';
comment on column dw.dim_status.is_won is
  'The referral is closed and won. Source: computed from status, substatus';
comment on column dw.dim_status.is_lost is
  'The referral is closed and lost. Source: computed from status, substatus';
comment on column dw.dim_status.is_decided is
  'The referral is won or lost; the denominator of a win rate. Source: computed from status, '
  'substatus';

comment on column dw.dim_tag.tag_type is
  'Type of the tag within its group, for attributes and targets; the group again for the others. '
  'Source: details.requirements.additionalRequirements.attributes[].type, target[].type';
comment on column dw.dim_tag.tag_id is
  'The tag as sent, which may contain commas. Source: details.requirements.industries[].id, '
  'details.requirements.products[].id, details.requirements.services[].id, '
  'details.requirements.additionalRequirements.attributes[].id, target[].id, '
  'registrations[].solutionDetails[].incentives';
comment on column dw.dim_tag.is_documented is 'The documentation lists the tag, by etl.enum_value.';

comment on column etl.extract_window.filter_from is
  'Start of the window, inclusive, by the last update; in a backfill by the creation. Source: '
  'updatedDateTime, createdDateTime';

comment on column etl.run.watermark_text is
  'Latest update that is certainly published, in UTC with seven fraction digits; never later '
  'than the start of the read. The next incremental run starts here minus an overlap. Null when '
  'nothing was read. Source: computed from updatedDateTime';

comment on column raw.payload.source_updated_at is
  'When the source changed the referral last, cut (not rounded) to microseconds; null when the '
  'source gives none. Source: updatedDateTime';
comment on column raw.payload.source_updated_text is
  'When the source changed the referral last, as received, up to seven fraction digits; the '
  'order of versions and the watermark compare this. Of a row of a file the day that it is of, '
  'where that is known. Source: updatedDateTime';
comment on column raw.payload.payload is
  'The JSON as received, without people and notes; {} for presence; for absence the principal '
  'who was not shown it. For a row of a file its layout, the part of a referral that it shows, '
  'and its other cells.';

comment on column pii.contact.contact_role is
  'Whose contact the person is: customer, or referral_team for the team of the referral. Source: '
  'computed from customerProfile.team[], team[]';
comment on column pii.contact.first_name is
  'First name of the person. Source: customerProfile.team[].firstName, team[].firstName';
comment on column pii.contact.last_name is
  'Last name of the person. Source: customerProfile.team[].lastName, team[].lastName';
comment on column pii.contact.phone_number is
  'Telephone number of the person. Source: customerProfile.team[].phoneNumber, team[].phoneNumber';
comment on column pii.contact.email is
  'E-mail address of the person. Source: customerProfile.team[].email, team[].email';
comment on column pii.contact.title is
  'Title of the person; returned by the API though not documented. Source: '
  'customerProfile.team[].title, team[].title';
comment on column pii.contact.locale is
  'Language that the person prefers. Source: customerProfile.team[].contactPreference.locale, '
  'team[].contactPreference.locale';
comment on column pii.contact.disable_notifications is
  'The person wants no notifications; null when not stated. Source: '
  'customerProfile.team[].contactPreference.disableNotifications, '
  'team[].contactPreference.disableNotifications';

comment on column pii.payload.people is
  'People and notes of the payload as JSON; for a row of a file these, and the cells of people, '
  'free text and unknown columns. Source: customerProfile.team[], team[], details.notes, '
  'inviteContext.notes';

comment on column pii.referral_text.details_notes is 'Notes on the deal. Source: details.notes';
comment on column pii.referral_text.invite_notes is
  'Notes with the invitation. Source: inviteContext.notes';

comment on column pii.seller.first_name is 'First name of the person. Source: team[].firstName';
comment on column pii.seller.last_name is 'Last name of the person. Source: team[].lastName';
comment on column pii.seller.email is 'E-mail address of the person. Source: team[].email';
comment on column pii.seller.phone_number is
  'Telephone number of the person. Source: team[].phoneNumber';
comment on column pii.seller.title is
  'Title of the person; returned by the API though not documented. Source: team[].title';

comment on column etl.dq_finding.severity is 'How serious the finding is: info, warn or error.';

comment on column etl.extract_window.window_status is
  'How far the window is read: running (pages left to read) or done.';

comment on column etl.run.run_mode is
  'What the run read: incremental, full, backfill, import or rebuild. A run that began as '
  'incremental and then read everything is full.';
comment on column etl.run.run_status is
  'How far the run came: running, extracted (all landed), published (readers see it), failed, or '
  'abandoned (a later run published what this one had landed).';
comment on column etl.run.watermark_to is
  'Latest update that is certainly published, cut to microseconds, for people. Source: computed '
  'from updatedDateTime';

comment on column raw.payload.resource_type is
  'Kind of payload: referral, referral_absence (in one night the API showed it no more, or no '
  'file of a complete set did), referral_presence (it did again, unchanged), '
  'registration_eligibility, microsoft_acv, or csv_row (the row of a downloaded file, which '
  'shows a part of a referral).';

comment on column pii.secret.secret_name is
  'Name of the secret. There is one, install: the key of the hashes of payloads and contacts. It '
  'must outlive them: with another key no erased person is recognised.';

-- Staging has the comments of its targets.
do $$
declare
  staged record;
begin
  for staged in
    select
      format('stg.%I.%I', stage.relname, twin.attname) as name,
      col_description(target.oid, original.attnum) as meaning
    from pg_class stage
    join pg_attribute twin on twin.attrelid = stage.oid and twin.attnum > 0
    join pg_class target
      on target.relname = stage.relname
      and target.relnamespace in ('dw'::regnamespace, 'pii'::regnamespace, 'etl'::regnamespace)
    join pg_attribute original
      on original.attrelid = target.oid and original.attname = twin.attname
    where stage.relnamespace = 'stg'::regnamespace
      and stage.relkind = 'r'
      and twin.attname <> 'partner_account_key'
      and col_description(target.oid, original.attnum)
        is distinct from col_description(stage.oid, twin.attnum)
  loop
    execute format('comment on column %s is %L', staged.name, staged.meaning);
  end loop;
end
$$;

-- Columns of views take the comments of these, so each view is made anew, also where its file is the
-- same: no file has this digest. Views that wait for their grants have none already.
update etl.mart_view set definition_digest = 'comments changed' where definition_digest <> '';
