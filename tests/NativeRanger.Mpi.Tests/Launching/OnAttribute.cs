using System.Reflection;
using Xunit.Sdk;

namespace NativeRanger.Mpi.Tests.Launching;

/// <summary>A test on the ranks of an MPI library; skipped, with the reason, where its launcher is not installed.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class OnAttribute : DataAttribute
{
    private readonly object[] row;

    /// <summary>A row of a theory.</summary>
    /// <param name="library">The theory's first argument: <see cref="Launcher.OpenMpi"/> or <see cref="Launcher.Mpich"/>.</param>
    /// <param name="arguments">Its other arguments.</param>
    public OnAttribute(string library, params object[] arguments)
    {
        row = [library, .. arguments];
        Skip = Launcher.WhyNot(library);
    }

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [row];
}
