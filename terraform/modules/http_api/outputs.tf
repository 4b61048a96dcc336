output "api_id" {
  description = "Id of the API."
  value       = aws_apigatewayv2_api.this.id
}

output "stage_name" {
  description = "Name of the stage."
  value       = aws_apigatewayv2_stage.this.name
}

output "host" {
  description = "Host name of the API: what a site's proxy or distribution forwards to."
  value       = trimprefix(aws_apigatewayv2_api.this.api_endpoint, "https://")
}

output "invoke_url" {
  description = "Address of the API including the stage; its own domain if it has one."
  value       = var.domain == null ? aws_apigatewayv2_stage.this.invoke_url : "https://${var.domain.name}/${var.stage_name}"
}
