"""The policies that every city begins with, in Cedar. A city's own come after them or take their place."""

from __future__ import annotations

POLICIES = """\
// What every city begins with. 每个城市的初始策略。
// Each policy has an id, and says in Chinese and English what it is for.

@id("own-tenant")
@zh("任何人都不能访问其他租户")
@en("Nobody reaches into another tenant")
forbid(principal, action, resource)
unless { resource is System || (principal has tenant && resource in principal.tenant) };

@id("public")
@zh("页面、健康检查与接口说明对所有人开放")
@en("The page, health and the description of the interfaces are open to all")
permit(principal, action == Action::"public", resource);

// Roles. 角色。

@id("reader")
@zh("读取者可以读取")
@en("Readers read")
permit(principal in Role::"reader", action in Action::"reading", resource);

@id("writer")
@zh("写入者可以读取、写入并参与处置")
@en("Writers read, write and take part in decisions")
permit(
    principal in Role::"writer",
    action in [Action::"reading", Action::"writing", Action::"deciding"],
    resource
);

@id("operator")
@zh("运维人员可以读取、查看运行状态并参与处置")
@en("Operators read, see how things run and take part in decisions")
permit(
    principal in Role::"operator",
    action in [Action::"reading", Action::"operating", Action::"deciding"],
    resource
);

@id("admin")
@zh("管理员可以做一切；三员到位后请停用")
@en("The administrator may do everything; to be given up once the three administrators are there")
permit(principal in Role::"admin", action, resource);

// Three administrators, none of whom may do another's work. 三员分立。

@id("own-account")
@zh("三员都可以管理自己的账号")
@en("Each of the three keeps their own account")
permit(principal, action == Action::"account:own", resource)
when {
    principal in [Role::"system-administrator", Role::"security-administrator", Role::"audit-administrator"]
};

@id("system-administrator")
@zh("系统管理员维护运行")
@en("The system administrator keeps things running")
permit(principal in Role::"system-administrator", action in Action::"operating", resource);

@id("security-administrator")
@zh("安全管理员管理账号与策略")
@en("The security administrator keeps accounts and policies")
permit(principal in Role::"security-administrator", action in Action::"securing", resource);

@id("audit-administrator")
@zh("审计管理员查询审计日志")
@en("The audit administrator looks into the log of acts")
permit(principal in Role::"audit-administrator", action in Action::"auditing", resource);

@id("not-the-system-administrator")
@zh("系统管理员不得管理账号、策略与审计日志")
@en("The system administrator keeps away from accounts, policies and the log of acts")
forbid(principal in Role::"system-administrator", action in [Action::"securing", Action::"auditing"], resource);

@id("not-the-security-administrator")
@zh("安全管理员不得维护运行或查看审计日志")
@en("The security administrator keeps away from running things and from the log of acts")
forbid(principal in Role::"security-administrator", action in [Action::"operating", Action::"auditing"], resource);

@id("not-the-audit-administrator")
@zh("审计管理员不得维护运行、管理账号与策略或写入数据")
@en("The audit administrator keeps away from running things, accounts, policies and writing")
forbid(
    principal in Role::"audit-administrator",
    action in [Action::"operating", Action::"securing", Action::"writing"],
    resource
);

// Departments. 部门。

@id("clerk")
@zh("部门职员可以读取")
@en("A department's clerk reads")
permit(principal in Role::"clerk", action in Action::"reading", resource);

@id("clerk-protected")
@zh("职员只能看到本部门（及其上级部门）的非公开属性")
@en("Of what is not public, clerks see only what their own department (or one above it) owns")
forbid(principal in Role::"clerk", action in Action::"reading", resource is Attribute)
when { resource has classification && resource.classification != "public" }
unless { resource has owner && principal in resource.owner };

// People without an account. 无账号的市民。

@id("citizen")
@zh("市民无需账号即可查看地图与公开实体")
@en("Citizens see the map and entities without an account")
permit(
    principal in Role::"citizen",
    action in [Action::"city:read", Action::"entities:read", Action::"contexts:read"],
    resource
);

@id("citizen-entities")
@zh("市民看不到标为非公开的实体")
@en("Citizens do not see entities that are marked as not public")
forbid(principal in Role::"citizen", action in Action::"reading", resource is Entity)
when { resource has classification && resource.classification != "public" };

@id("citizen-attributes")
@zh("市民看不到标为非公开的属性")
@en("Citizens do not see attributes that are marked as not public")
forbid(principal in Role::"citizen", action in Action::"reading", resource is Attribute)
when { resource has classification && resource.classification != "public" };

// Devices and applications. 设备与应用。

@id("device")
@zh("设备只能写入自己的实体")
@en("A device writes its own entities only")
permit(principal is Device, action in [Action::"entities:write", Action::"history:write"], resource is Entity)
when { principal has entities && principal.entities.contains(resource.id) };

@id("device-attributes")
@zh("设备可以写入自己实体的任何属性")
@en("Of its own entities a device writes any attribute")
permit(principal is Device, action in [Action::"entities:write", Action::"history:write"], resource is Attribute);

@id("application-reads")
@zh("应用可以读取其声明的类型")
@en("An application reads the types that it declares")
permit(principal is Application, action in Action::"reading", resource is Entity)
when { principal has reads && resource.types.containsAny(principal.reads) };

@id("application-attributes")
@zh("应用可以读取其所读实体的属性")
@en("An application reads the attributes of what it reads")
permit(principal is Application, action in Action::"reading", resource is Attribute);

@id("application-writes")
@zh("应用只能写入其声明的类型")
@en("An application writes the types that it declares")
permit(principal is Application, action == Action::"entities:write", resource is Entity)
when { principal has writes && resource.types.containsAny(principal.writes) };
"""
