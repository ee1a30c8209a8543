-- The data dictionary reads from the comments where a column comes from: a comment names the
-- property of the source as it is spelled there, or the columns that it is computed from. These
-- named neither, or only in part.

comment on column etl.bi_access.role_name is
  'Login, or a group: all who have its rights see the account.';

comment on column dw.dim_customer.customer_match_id is
  'Label that profiles of one customer share: moodys_id, else external_customer_id, else '
  'duns_number, else customer_name and country_code. Count the distinct ones to count customers.';
comment on column dw.dim_customer.customer_size_min_employees is
  'Least number of employees of customer_size, to sort and regroup by; null for an unknown band.';
comment on column dw.dim_customer.moodys_id is
  'customerProfile.ids[].moodys, or customerProfile.ids[].id where '
  'customerProfile.ids[].profileType says Moodys.';
comment on column dw.dim_customer.external_customer_id is
  'customerProfile.ids[].external, or customerProfile.ids[].id where '
  'customerProfile.ids[].profileType says External: the partner''s own customer id.';
comment on column dw.dim_customer.duns_number is
  'customerProfile.ids[].duns, or customerProfile.ids[].id where '
  'customerProfile.ids[].profileType says Duns, which the source calls obsolete.';

comment on column dw.dim_referral.solution_area is
  'Solution area: the attribute of type SolutionArea in '
  'details.requirements.additionalRequirements.attributes[].id, else solutionArea, '
  'details.solutionArea or details.requirements.solutionArea, else what '
  'details.requirements.solutions[].name says of a solution assessment, else the area of '
  'solution_play; (Multiple) when there are several, which the tag bridge tells apart.';
comment on column dw.dim_referral.solution_play is
  'Solution play: the attribute of type SolutionPlay in '
  'details.requirements.additionalRequirements.attributes[].id, else solutionPlay, '
  'details.solutionPlay or details.requirements.solutionPlay, else what '
  'details.requirements.solutions[].name says of a solution assessment; (Multiple) '
  'likewise.';
comment on column dw.dim_referral.partner_role is
  'Role of the partner in the deal: the attribute of type PartnerRole in '
  'details.requirements.additionalRequirements.attributes[].id, else partnerRole, '
  'details.partnerRole or details.requirements.partnerRole, else what '
  'details.requirements.solutions[].name says of a solution assessment; (Multiple) '
  'likewise.';
comment on column dw.dim_referral.customer_marketplace_intent is
  'Yes, No or HaveNotDecided: the attribute of type CustomerMarketplaceIntent in '
  'details.requirements.additionalRequirements.attributes[].id.';
comment on column dw.dim_referral.referral_category is
  'Derived from referral_type, qualification and invited_by_organization_id: Marketplace lead, '
  'Qualified lead, Co-sell opportunity or Other.';
comment on column dw.dim_referral.deal_type is
  'Derived from referral_type and consent_to_share_with_microsoft_sellers: Private, Partner-led, '
  'Co-sell or Unknown.';
comment on column dw.dim_referral.has_iot_requirements is
  'A text of details.requirements.additionalRequirements.iot is given, or one of its flags is '
  'true.';
comment on column dw.dim_referral.team_member_count is
  'Number of people in team[]; they themselves are in pii.contact.';

comment on column dw.dim_solution.solution_id is
  'details.requirements.solutions[].id, details.requirements.offers[].id or '
  'registrations[].solutionDetails[].id; name: and the lower-case name when it has no id, (none) '
  'when it has neither.';
comment on column dw.dim_solution.solution_name is
  'details.requirements.solutions[].name, details.requirements.offers[].name or '
  'registrations[].solutionDetails[].name.';
comment on column dw.dim_solution.match_type is
  'details.requirements.solutions[].type, details.requirements.offers[].type or '
  'registrations[].solutionDetails[].type: how it is identified, by Category, Name or None.';

comment on column dw.dim_status.stage_label is
  'referral_status and referral_substatus together, such as New - Received.';
comment on column dw.dim_status.is_open is 'referral_status is New or Active.';
comment on column dw.dim_status.is_closed is 'referral_status is Closed.';
comment on column dw.dim_status.is_won is
  'Closed and won: by referral_status and referral_substatus.';
comment on column dw.dim_status.is_lost is
  'Closed and lost: by referral_status and referral_substatus.';
comment on column dw.dim_status.is_decided is
  'Won or lost, by referral_status and referral_substatus; the denominator of a win rate.';

comment on column dw.dim_tag.tag_type is
  'details.requirements.additionalRequirements.attributes[].type or target[].type; the same as '
  'tag_group for the other groups.';
comment on column dw.dim_tag.tag_id is
  'The tag as sent, which may contain commas: details.requirements.industries[].id, '
  'details.requirements.products[].id, details.requirements.services[].id, '
  'details.requirements.additionalRequirements.attributes[].id, target[].id or one of '
  'registrations[].solutionDetails[].incentives, by tag_group.';

comment on column dw.fact_referral.registered_date is
  'Day of the first registrations[].registrationDateTime; null when there is no registration.';
comment on column dw.fact_referral.registration_approved_date is
  'Day of the first registrations[].statusHistory.approvedDateTime or passedDateTime; null when no '
  'registration was approved.';
comment on column dw.fact_referral.registration_count is
  'Number of registrations[]; the source allows one today.';

comment on column dw.fact_referral_history.qualification is
  'qualification, as it was at that time.';
comment on column dw.fact_referral_history.registered_acv_amount is
  'Annual contract value of registrations[].contract.value known at that time, in '
  'registered_acv_currency_code; null when none.';
comment on column dw.fact_referral_history.registered_acv_currency_code is
  'registrations[].contract.currency, of registered_acv_amount; XXX when there is none.';

comment on column dw.fact_referral_solution.price_text is
  'details.requirements.solutions[].price as received, a text in the source.';
comment on column dw.fact_referral_solution.price_amount is
  'details.requirements.solutions[].price in currency_code; null when the text is not a plain '
  'decimal.';
comment on column dw.fact_referral_solution.currency_code is
  'details.requirements.solutions[].currency; details.currency when the line has none.';
comment on column dw.fact_referral_solution.quantity is
  'details.requirements.solutions[].quantity, as received.';

comment on column dw.fact_registration.is_terminal is
  'registration_status is Passed or Failed, which the documentation calls final, although a '
  'granted exception may reopen it.';
comment on column dw.fact_registration.is_perpetual is
  'contract_term is Perpetual; its value is spread over six years.';
comment on column dw.fact_registration.contract_end_exclusive_date is
  'First day after the contract, as used for the annual value: by contract_end_date, or '
  'contract_start_date plus 72 months when perpetual.';
comment on column dw.fact_registration.term_months is
  'Months from contract_start_date to contract_end_exclusive_date, rounded for reading; amounts '
  'are computed from the exact fraction.';
comment on column dw.fact_registration.solution_value_amount is
  'Sum of registrations[].solutionDetails[].value, in currency_code; null when a line is in '
  'another currency.';

comment on column dw.fact_registration_solution.allocated_contract_value_amount is
  'Share of registrations[].contract.value, in contract_currency_code; adds up exactly over the '
  'lines.';
comment on column dw.fact_registration_solution.allocated_contract_acv_amount is
  'Share of the annual value of registrations[].contract.value, in contract_currency_code; adds up '
  'exactly over the lines.';
comment on column dw.fact_registration_solution.is_pay_as_you_go is 'pricing_model is PayAsYouGo.';
comment on column dw.fact_registration_solution.is_incentive_eligible is
  'The line has an incentive: incentive_count is above 0.';

comment on column dw.fact_acv_schedule.currency_code is
  'Currency of scheduled_solution_amount, as in dw.fact_registration_solution.';
comment on column dw.fact_acv_schedule.contract_currency_code is
  'Currency of scheduled_contract_amount, as in dw.fact_registration_solution.';
comment on column dw.fact_acv_schedule.period_start_date is
  'First day of the contract year, counted from registrations[].contract.startDateTime; null in '
  'year 0.';
comment on column dw.fact_acv_schedule.period_end_date is
  'Last day of the contract year, inclusive, that of the last year by '
  'registrations[].contract.endDateTime; null in year 0.';
comment on column dw.fact_acv_schedule.period_months is
  'Months from period_start_date to period_end_date, 12 but for the last year; rounded for '
  'reading.';
comment on column dw.fact_acv_schedule.scheduled_solution_amount is
  'Part of registrations[].solutionDetails[].value that falls into this year, in currency_code.';
comment on column dw.fact_acv_schedule.scheduled_contract_amount is
  'Part of registrations[].contract.value, allocated to the line, that falls into this year, in '
  'contract_currency_code.';

comment on column pii.contact.email is 'customerProfile.team[].email or team[].email.';
comment on column pii.contact.title is
  'customerProfile.team[].title or team[].title; returned by the API though not documented.';
comment on column pii.contact.contact_hash is
  'Keyed hash, hex, of the e-mail in lower case, else of the digits of phone_number; null when '
  'there is neither.';

-- These were a property and nothing else.
comment on column dw.dim_customer.city is 'Town of the customer: customerProfile.address.city.';
comment on column dw.dim_customer.state is
  'State or province of the customer: customerProfile.address.state.';
comment on column dw.dim_customer.postal_code is
  'Postal code of the customer, as text: customerProfile.address.postalCode.';
comment on column dw.dim_customer.region is
  'Region of the customer, in words of the source: customerProfile.address.region.';
comment on column dw.dim_referral.referral_name is 'name: what the referral is called.';
comment on column dw.dim_referral.invited_by_organization_name is
  'Organisation that invited to the deal: inviteContext.invitedBy.organizationName.';
comment on column dw.dim_referral.iot_license_agreement_number is
  'Licence agreement of the customer in an OEM IoT deal: '
  'details.requirements.additionalRequirements.iot.customerLicenseAgreementNumber.';
comment on column dw.dim_referral.iot_device_category is
  'Kind of device in an OEM IoT deal: '
  'details.requirements.additionalRequirements.iot.deviceCategory.';
comment on column dw.dim_referral.iot_silicon_type is
  'Processor of the device in an OEM IoT deal: '
  'details.requirements.additionalRequirements.iot.siliconType.';
comment on column dw.dim_referral.iot_is_azure_certified_device is
  'The device is certified for Azure: '
  'details.requirements.additionalRequirements.iot.azureCertifiedDevice.';
comment on column dw.dim_referral.iot_has_attached_services is
  'Services come with the device: '
  'details.requirements.additionalRequirements.iot.attachServices.';
comment on column dw.fact_referral.created_at is 'When the referral was created: createdDateTime.';
comment on column dw.fact_referral.updated_at is
  'When the source changed the referral last: updatedDateTime.';
comment on column dw.fact_referral.expiration_at is
  'When the referral expires unless somebody acts on it: expirationDateTime.';
comment on column dw.fact_registration.registration_id is
  'Id of the registration at the source: registrations[].id.';
comment on column dw.fact_registration.registration_status is
  'Where the registration stands in review: registrations[].status.';
comment on column dw.fact_registration.contract_sign_date is
  'Day the contract was signed: registrations[].contract.signDateTime.';
comment on column dw.fact_registration.contract_start_date is
  'First day of the contract: registrations[].contract.startDateTime.';
comment on column dw.fact_registration.contract_end_date is
  'End of the contract as reported, the last day or the anniversary after it: '
  'registrations[].contract.endDateTime.';
comment on column dw.fact_registration.registered_at is
  'When the deal was registered: registrations[].registrationDateTime.';
comment on column dw.fact_registration.review_pending_at is
  'When it began to wait for review: registrations[].statusHistory.reviewPendingDateTime.';
comment on column dw.fact_registration_eligibility.policy_name is
  'policyName: what the source calls the policy.';
comment on column dw.fact_registration_solution.pricing_model is
  'How the customer pays, such as PayAsYouGo: solutionDetails[].pricingModel.';
comment on column dw.fact_registration_solution.marketplace_transaction_date is
  'Day the line was bought on the marketplace: '
  'solutionDetails[].marketplaceTransactionDetails.marketplaceTransactionDateTime.';
comment on column pii.referral_text.details_notes is 'Notes on the deal: details.notes.';
comment on column pii.referral_text.invite_notes is
  'Notes with the invitation: inviteContext.notes.';

-- A staged column means what its target means, or the dimension whose natural key it is.
do $$
declare
  staged record;
begin
  for staged in
    select
      format('stg.%I.%I', s.relname, a.attname) as name,
      coalesce(
        col_description(t.oid, same.attnum),
        col_description(natural_key.attrelid, natural_key.attnum)
      ) as meaning
    from pg_catalog.pg_class s
    join pg_catalog.pg_class t
      on t.relname = s.relname
      and t.relkind = 'r'
      and t.relnamespace in ('dw'::regnamespace, 'pii'::regnamespace, 'etl'::regnamespace)
    join pg_catalog.pg_attribute a on a.attrelid = s.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_attribute same on same.attrelid = t.oid and same.attname = a.attname
    left join pg_catalog.pg_attribute natural_key
      on natural_key.attname = a.attname
      and natural_key.attrelid = (
        case
          when a.attname = 'profile_hash' then 'dw.dim_customer'
          when a.attname in ('referral_status', 'referral_substatus') then 'dw.dim_status'
          when a.attname in ('item_kind', 'solution_id') then 'dw.dim_solution'
          when a.attname in ('tag_group', 'tag_type', 'tag_id') then 'dw.dim_tag'
        end
      )::regclass
    where s.relnamespace = 'stg'::regnamespace
      and s.relkind = 'r'
      and a.attname <> 'partner_account_key'
      and coalesce(same.attnum, natural_key.attnum) is not null
  loop
    execute format('comment on column %s is %L', staged.name, staged.meaning);
  end loop;
end
$$;
