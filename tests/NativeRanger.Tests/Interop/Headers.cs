using System.Reflection;
using NativeRanger.Bindings;
using NativeRanger.Interop;
using NativeRanger.Mpi.Interop;

namespace NativeRanger.Tests.Interop;

/// <summary>The headers of the repository and their bindings.</summary>
internal static class Headers
{
    /// <summary>The root of the repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The names of the response files, one for each header.</summary>
    public static TheoryData<string> ResponseFiles { get; } =
    [
        .. Directory
            .GetFiles(Path.Combine(Root, "native", "include"), "*.rsp")
            .Select(path => Path.GetFileName(path))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>What the response file of a header says.</summary>
    public static ResponseFile Options(string responseFile) =>
        ResponseFile.Read(Path.Combine(Root, "native", "include", responseFile));

    /// <summary>The functions that the bindings of a header import.</summary>
    public static IEnumerable<string> Functions(ResponseFile options)
    {
        var name = $"{options.Namespace}.{options.ClassName}";
        var bindings =
            typeof(NativeMethods).Assembly.GetType(name)
            ?? typeof(MpiMethods).Assembly.GetType(name, throwOnError: true)!;
        return bindings
            .GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
            .Select(method => method.Name);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "NativeRanger.sln")))
            {
                return folder.FullName;
            }
        }
        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds NativeRanger.sln.");
    }
}
