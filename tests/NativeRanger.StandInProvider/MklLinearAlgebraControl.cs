using MathNet.Numerics.Providers.LinearAlgebra;

namespace MathNet.Numerics.Providers.MKL.LinearAlgebra;

/// <summary>What MathNet finds where it looks for MKL: a stand-in that rounds like a native provider.</summary>
public sealed class MklLinearAlgebraControl : IProviderCreator<ILinearAlgebraProvider>
{
    public ILinearAlgebraProvider CreateProvider() => StandInProvider.Create();
}
