-- The enumerations of the referral resource, in its order. A name that says all has no description.
insert into etl.enum_value (
  enum_name,
  parent_value,
  enum_value,
  canonical_value,
  description,
  sort_order,
  is_documented
)
select
  enum_name,
  parent_value,
  enum_value,
  enum_value as canonical_value,
  description,
  sort_order,
  true as is_documented
from (
  values
    ('ReferralStatus', '', 'None', 1, 'No status was given.'),
    ('ReferralStatus', '', 'New', 2, 'Not yet accepted.'),
    ('ReferralStatus', '', 'Active', 3, 'Accepted and worked on.'),
    ('ReferralStatus', '', 'Closed', 4, 'Ended, in one of five ways.'),

    -- parent_value: the status that the substatus is allowed under.
    ('ReferralSubstatus', '', 'None', 1, 'No substatus was given.'),
    ('ReferralSubstatus', 'New', 'Pending', 1, 'Waits for an answer.'),
    ('ReferralSubstatus', 'New', 'Received', 2, 'Has reached the partner.'),
    ('ReferralSubstatus', 'Active', 'Accepted', 1, 'The partner took it on.'),
    ('ReferralSubstatus', 'Closed', 'Won', 1, 'The customer bought.'),
    ('ReferralSubstatus', 'Closed', 'Lost', 2, 'The customer did not buy.'),
    ('ReferralSubstatus', 'Closed', 'Declined', 3, 'The partner did not take it on.'),
    ('ReferralSubstatus', 'Closed', 'Expired', 4, 'Nobody answered in time.'),
    ('ReferralSubstatus', 'Closed', 'Error', 5, 'A mistake; the source cannot delete.'),

    -- parent_value: the status before; enum_value: a status that may follow it.
    ('ReferralStatusTransition', 'New', 'New', 1, null),
    ('ReferralStatusTransition', 'New', 'Active', 2, null),
    ('ReferralStatusTransition', 'New', 'Closed', 3, null),
    ('ReferralStatusTransition', 'Active', 'Active', 1, null),
    ('ReferralStatusTransition', 'Active', 'Closed', 2, null),
    ('ReferralStatusTransition', 'Closed', 'Closed', 1, null),

    ('ReferralType', '', 'Shared', 1, 'All parties work on the deal together.'),
    ('ReferralType', '', 'Independent', 2, 'Sender and receiver alone work on the deal.'),

    ('ReferralQualification', '', 'None', 1, 'Nobody has judged it.'),
    ('ReferralQualification', '', 'Direct', 2, 'Came from the customer.'),
    ('ReferralQualification', '', 'MarketingQualified', 3, 'Came out of Microsoft marketing.'),
    ('ReferralQualification', '', 'SalesQualified', 4, 'Came from a Microsoft seller.'),

    ('ReferralSource', '', 'AppSource', 1, null),
    ('ReferralSource', '', 'AzureMarketplace', 2, null),
    ('ReferralSource', '', 'AzurePortal', 3, null),
    ('ReferralSource', '', 'PowerBI', 4, null),

    ('CallToAction', '', 'ContactMe', 1, null),
    ('CallToAction', '', 'FreeTrial', 2, null),
    ('CallToAction', '', 'GetItNow', 3, null),

    ('SolutionType', '', 'None', 1, 'Not said how the solution is named.'),
    ('SolutionType', '', 'Category', 2, 'The name is one of the Solutions list.'),
    ('SolutionType', '', 'Name', 3, 'The name is that of a catalogue entry.'),

    ('CustomerMarketplaceIntent', '', 'Yes', 1, 'The customer means to buy on the marketplace.'),
    ('CustomerMarketplaceIntent', '', 'No', 2, 'The customer means to buy elsewhere.'),
    ('CustomerMarketplaceIntent', '', 'HaveNotDecided', 3, null),

    ('TargetType', '', 'None', 1, null),
    ('TargetType', '', 'BusinessProfileLocation', 2, 'A business location; msft is Microsoft.'),
    ('TargetType', '', 'SolutionProfile', 3, 'A solution profile of the partner.'),

    ('RegistrationStatus', '', 'None', 1, 'No deal registration exists.'),
    ('RegistrationStatus', '', 'ReviewPending', 2, 'Handed in; Microsoft has yet to review it.'),
    ('RegistrationStatus', '', 'ActionRequired', 3, 'Sent back to the partner for correction.'),
    ('RegistrationStatus', '', 'Approved', 4, 'Approved by rule; a reviewer may still look at it.'),
    ('RegistrationStatus', '', 'Failed', 5, 'Refused by a reviewer; final.'),
    ('RegistrationStatus', '', 'Passed', 6, 'Approved by a reviewer; final.'),

    ('RegistrationType', '', 'AzureIPCoSell', 1, 'The only type today.'),

    ('ContractTerm', '', 'Perpetual', 1, 'No end; the value counts as spread over six years.'),
    ('ContractTerm', '', 'Finite', 2, 'Runs from its start to its end date.'),

    ('PrimaryDeploymentOn', '', 'Customer', 1, 'In the tenant of the customer.'),
    ('PrimaryDeploymentOn', '', 'Partner', 2, 'In the tenant of the partner.'),

    ('PricingModel', '', 'Other', 1, null),
    ('PricingModel', '', 'PayAsYouGo', 2, 'Billed by use; its dates are those of invoices.')
) as v (enum_name, parent_value, enum_value, sort_order, description);

-- Value lists without further meaning, in the order of the documentation. Members may contain
-- commas, which is why no list of ours is joined by one.

insert into etl.enum_value (
  enum_name,
  enum_value,
  canonical_value,
  sort_order,
  is_documented
)
select
  enum_name,
  enum_value,
  enum_value as canonical_value,
  sort_order,
  true as is_documented
from (
  values
    ('Products', array[
      'Azure',
      'EnterpriseMobilityAndSecurity',
      'Exchange',
      'DeveloperTools',
      'Dynamics365Business',
      'Dynamics365Enterprise',
      'DynamicsAX,GP,NAV,SL',
      'Microsoft365',
      'Office',
      'PowerBI',
      'Project',
      'SharePoint',
      'SkypeForBusiness',
      'Surface',
      'SurfaceHub',
      'SQL',
      'Teams',
      'Visio',
      'Windows',
      'Yammer'
    ]),
    ('Services', array[
      'ConsultingAndProfessional',
      'CustomSolution(ISV)',
      'DeploymentOrMigration',
      'Hardware',
      'Integration',
      'IPServices(ISV)',
      'LearningAndCertification',
      'Licensing',
      'ManagedServices',
      'ProjectServices'
    ]),
    ('Industries', array[
      'Agriculture, Forestry, & Fishing',
      'Communications & Media',
      'Education',
      'Financial Services',
      'Government',
      'Healthcare',
      'Hospitality',
      'Manufacturing',
      'Power & Utilities',
      'Public Safety and National Security',
      'Retail & Consumer Goods',
      'Services',
      'Travel & Transportation',
      'Wholesale & Distribution'
    ]),
    ('Solutions', array[
      'AdvancedAnalytics',
      'ApplicationIntegration',
      'ArtificialIntelligence',
      'AzureSecurityOperationManagement',
      'AzureStack',
      'BackupDisasterRecovery',
      'BigData',
      'Blockchain',
      'Chatbot',
      'CloudDatabaseMigration',
      'CloudMigration',
      'CloudVoice',
      'CognitiveServices',
      'CompetitiveDatabaseMigration',
      'Containers',
      'DataWarehouse',
      'DatabaseonLinux',
      'DevelopmentandTest',
      'DevOps',
      'DigitalMedia',
      'Dynamics365forCustomerService',
      'Dynamics365forFieldService',
      'Dynamics365forFinanceOperations',
      'Dynamics365forRetail',
      'Dynamics365forSales',
      'Dynamics365forTalent',
      'DynamicsonAzure',
      'EnterpriseBusinessIntelligence',
      'Gaming',
      'HighPerformanceComputing',
      'HybridStorage',
      'IdentityandAccessManagement',
      'InformationManagement',
      'InternetofThings',
      'MachineLearning',
      'Microserviceapplications',
      'MobileApplications',
      'MySQLPostgresMigrationtoAzure',
      'Networking',
      'NoSQLMigration',
      'RedhatonAzure',
      'RegulatoryComplianceGDPR',
      'SAPonAzure',
      'ServerlessComputing',
      'SharepointonAzure',
      'SQLServerUpgrade',
      'ThreatProtection',
      'WebDevelopment'
    ]),
    ('CustomerSize', array[
      '1to50employees',
      '51to500employees',
      'Morethan500employees',
      '1to9employees',
      '10to50employees',
      '51to250employees',
      '251to1000employees',
      '1001to5000employees',
      '5001to10000employees',
      '10001to20000employees',
      'Morethan20000employees'
    ]),
    ('PartnerRole', array[
      'Adoption and change management',
      'Business strategy',
      'Deployment services',
      'Managed services',
      'Presales envisioning',
      'Proof of concept',
      'Solution design',
      'Transaction'
    ]),
    ('SolutionArea', array[
      'AI Business Solutions',
      'Cloud and AI Platforms',
      'Microsoft Unified',
      'Security'
    ])
) as v (enum_name, members)
cross join unnest(members) with ordinality as member (enum_value, sort_order);

-- Plays are the ones of fiscal year 2026. One of them is spelt in two ways by the documentation.
insert into etl.enum_value (
  enum_name,
  parent_value,
  enum_value,
  canonical_value,
  sort_order,
  is_documented
)
select
  'SolutionPlay' as enum_name,
  solution_area as parent_value,
  solution_play as enum_value,
  regexp_replace(solution_play, ' Enhanced Solution$', ' Enhanced Solutions') as canonical_value,
  sort_order,
  true as is_documented
from (
  values
    ('AI Business Solutions', array[
      'Converged Communications',
      'Data Security',
      'Sales Transformation with AI',
      'Copilot and Agents at Work',
      'Secure AI Productivity',
      'Scale with Cloud and AI Endpoints',
      'Innovate with Low Code AI and Agents',
      'ERP Transformation with AI',
      'Service Transformation with AI',
      'AI Ready with Surface Copilot PCs',
      'Scale Business Operations with AI',
      'Drive Cloud Success through Unified with Enhanced Solution'
    ]),
    ('Cloud and AI Platforms', array[
      'Innovate with Azure AI Apps and Agents',
      'Unify Your Data Platform',
      'Migrate and Modernize Your Estate',
      'Modern SecOps with Unified Platform',
      'Protect Cloud AI Platform and Apps',
      'Copilot and Agents at Work',
      'Scale with Cloud and AI Endpoints',
      'Innovate with Low Code AI and Agents',
      'Drive Cloud Success through Unified with Enhanced Solutions'
    ]),
    ('Microsoft Unified', array[
      'Drive Cloud Success through Unified with Enhanced Solutions'
    ]),
    ('Security', array[
      'Protect Cloud AI Platform and Apps',
      'Data Security',
      'Modern SecOps with Unified Platform',
      'Migrate and Modernize Your Estate',
      'Secure AI Productivity',
      'Unify Your Data Platform',
      'Converged Communications',
      'Drive Cloud Success through Unified with Enhanced Solutions',
      'Copilot and Agents at Work'
    ])
) as v (solution_area, plays)
cross join unnest(plays) with ordinality as play (solution_play, sort_order);
