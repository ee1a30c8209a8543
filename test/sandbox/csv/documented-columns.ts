/** Columns that Partner Center documents for each file, in their order; groups have their first alone. */
export const coSell2023 = lines(`
  Errors
  Engagement ID
  Referral ID
  Deal Name
  Customer Name
  Customer Address Line 1
  Customer Address Line 2
  Customer City
  Customer State
  Customer Postal code
  Customer Country
  Customer D-U-N-S ID
  Customer Contact First Name
  Customer Contact Last Name
  Customer Contact Phone number
  Customer Contact Email Address
  Partner Referral Status
  Partner Referral Substatus
  Microsoft Referral Status
  Declined/Lost/Error reason
  Sales Stage
  Estimated Deal Value
  Currency
  Estimated Close Date
  CRM ID
  Marketing Campaign ID
  Notes
  Microsoft help required?
  What specific help from Microsoft?
  Share with Microsoft sales team
  Notes to Microsoft
  Consent to share Customer/Partner contact
  CLA Number
  Device Category
  Silicon Type
  Azure Certified Device
  Attach Services
  Microsoft MSX ID
  Migrated PSC Deal ID
  PartnerID (formerly MPN ID)
  Marketplace Purchase Intent
  Customer Domain Name
  Final Matched Customer Account
  Managed Account 1
  Managed Account 2
  Unmanaged Account 1
  Unmanaged Account 2
  DUNS Account
  Solution 1
  Team member 1
  Microsoft team member 1`)

export const coSell2021 = lines(`
  Errors
  Engagement ID
  Referral ID
  Deal Name
  Customer Name
  Customer Address Line 1
  Customer Address Line 2
  Customer City
  Customer State
  Customer Postal Code
  Customer Country
  Customer D-U-N-S ID
  Customer Contact First Name
  Customer Contact Last Name
  Customer Contact Phone number
  Customer Contact Email Address
  Partner Referral Status
  Partner Referral Substatus
  Microsoft Referral Status
  Declined/Lost reason
  Sales Stage
  Estimated Deal Value
  Currency
  Estimated Close Date
  CRM ID
  Marketing Campaign ID
  Notes
  Microsoft help required?
  What specific help from Microsoft?
  Share with Microsoft sales team
  Notes to Microsoft
  Consent to share Customer/Partner contact
  Solution 1
  Team member 1`)

export const registrations = lines(`
  Referral ID
  Registration Date
  Registration Type
  Registration Status
  Registration Status Reason
  Is Marketplace Transacted
  Marketplace Transaction Date
  Is Deployed on Azure
  Contract Value
  Contract Currency
  Contract Term
  Contract Sign Date
  Contract Start Date
  Contract End Date
  Solution Value
  Solution Currency
  Primary Deployment On
  Pricing Model
  Review Pending Date
  Action Required Date
  Passed Date
  Failed Date
  Approved Date
  Errors`)

export const insightsCoSell = lines(`
  Referral ID
  Customer Country
  Customer City
  Customer Name
  Referral Creation Date
  Deal Type
  Deal Direction
  Deal currency
  Estimated Deal value
  Estimated Deal value (USD)
  Solution ID
  Solution Name
  PartnerID
  Partner Name
  Deal ID
  Engagement ID
  Microsoft MSX ID
  Microsoft Referral Creation Date
  Contract Currency
  Contract Value
  Contract Value (USD)
  Contract Start Date
  Contract End Date
  Contract Sign Date
  Contract Term
  Registered deal solution ID
  Registered deal solution name
  Registered deal solution currency
  Registered deal solution value
  Registered deal solution value (USD)
  Deployed On
  Primary Deployment On
  Deal Creation Date
  Deal Review Pending Date
  Deal Approved Date
  Deal Review Passed Date
  Deal Review Failed Date
  Annual Contract Value
  Pricing Model
  US Federal Deal
  Is Marketplace Transacted Deal
  Marketplace transaction date
  Status
  Status Reason
  Partner Program
  Partner Role`)

export const insightsLeads = lines(`
  Referral ID
  Creation Date
  Updated Date
  PartnerID
  Customer Country
  Customer City
  Customer Name
  Lead Type
  Lead Source
  Call to action
  Referral program
  Business profile ID
  Offer ID
  Offer name
  Lead currency
  Lead value
  Lead value (USD)
  Status
  Status Reason`)

function lines(text: string): readonly string[] {
  return text.trim().split(/\n\s*/)
}
