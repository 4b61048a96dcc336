output "domain_name" {
  description = "CloudFront's name of the distribution, the target of a DNS record of your own."
  value       = aws_cloudfront_distribution.this.domain_name
}

output "url" {
  description = "Address of the site, without a slash at the end."
  value       = "https://${try(var.aliases[0], aws_cloudfront_distribution.this.domain_name)}"
}

output "distribution_id" {
  description = "Id of the distribution."
  value       = aws_cloudfront_distribution.this.id
}

output "zone" {
  description = "CloudFront's hosted zone, for an alias record of your own."
  value       = aws_cloudfront_distribution.this.hosted_zone_id
}
